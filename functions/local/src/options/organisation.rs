//! Options of the commands on all that an organisation has: `export`, `restore`, `stats`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use shared::domain::{CustomerId, KeyName, OrgId, Reason, Timestamp};

use super::TableOptions;

/// What to export.
#[derive(Args, Clone, Debug)]
pub struct ExportOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// The organisation
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// File to write, which must not exist yet; standard output, if left out
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to take back.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("whose").required(true).args(["customer", "changed_by"])))]
pub struct RestoreOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// The organisation
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// Take back what anybody has changed of this customer
    #[arg(long, value_name = "UUID", value_parser = CustomerId::parse)]
    pub customer: Option<CustomerId>,

    /// Take back what the key of this name has changed, of all customers. It reads the whole table
    #[arg(long, value_name = "NAME")]
    pub changed_by: Option<String>,

    /// What was so then is to be so again, such as 2026-11-26T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse_floor)]
    pub as_of: Timestamp,

    /// Changes after this are not meant; now, if left out
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse_floor)]
    pub until: Option<Timestamp>,

    /// Say what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Who takes it back: goes into history as `changed_by`. Changes of this name count as those of an earlier run
    #[arg(long, value_name = "NAME", value_parser = KeyName::parse, default_value = "restore")]
    pub author: KeyName,

    /// Why: goes into history, and becomes the categories' reason in place of the one that they had
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<Reason>,

    /// File for what became of each category, which must not exist yet; by default in the current folder, `restore` and
    /// the time
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,

    /// Customers that are worked on at once
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
}

/// What to count.
#[derive(Args, Clone, Debug)]
pub struct StatsOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// The organisation; all, if left out
    #[arg(long, value_parser = OrgId::parse)]
    pub org: Option<OrgId>,
}

/// Where to copy the data file.
#[derive(Args, Clone, Debug)]
pub struct BackupOptions {
    /// File to write, which must not exist yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

fn reason(text: &str) -> Result<Reason, String> {
    Reason::parse(text.to_owned())
}
