//! Options of `import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shared::domain::{KeyName, OrgId};

use super::TableOptions;

/// What to import, and how.
#[derive(Args, Clone, Debug)]
pub struct ImportOptions {
    /// The categories table.
    #[command(flatten)]
    pub table: TableOptions,

    /// File with one JSON object per line: `customer_id` and what a POST's body has, optionally
    /// `changed_at` and `changed_by`; or what `customers export` wrote. `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where the lines belong.
    #[command(flatten)]
    pub lines: LinesOptions,

    /// Take back what `export` has written of an organisation, with its history: every change under its own revision, at
    /// its own time, by whom it was made
    #[arg(long, conflicts_with = "changed_by")]
    pub with_history: bool,

    /// Take over customers, too, who were erased here; without it, their lines are rejected
    #[arg(long)]
    pub allow_erased: bool,

    /// What becomes of a category that is here, or was deleted here, and says something else than a line: the line is
    /// rejected, or the category says from then on what the line says
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnConflictOption::Reject)]
    pub on_conflict: OnConflictOption,

    /// Transactions that are under way at once, each with as many lines as fit
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
}

/// What becomes of what is here and says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnConflictOption {
    /// The line is rejected.
    Reject,
    /// The line counts, and the history says what was before.
    Update,
}

/// Options of every import, whatever its lines say.
#[derive(Args, Clone, Debug)]
pub struct LinesOptions {
    /// The organisation that is imported into
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// Goes into history as `changed_by`, where a line does not say who
    #[arg(long, value_name = "NAME", value_parser = KeyName::parse, default_value = "import")]
    pub changed_by: KeyName,

    /// File for the lines that are rejected, and why; anew with every run. By default it lies
    /// beside FILE, or where that can't be, in the current folder, and ends in `.rejected.jsonl`
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,
}
