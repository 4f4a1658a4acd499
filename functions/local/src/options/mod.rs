//! The command line.

mod catalogue;
mod console;
mod customers;
mod database;
mod demo;
mod import;
mod keys;
mod organisation;
mod reindex;

use std::{
    env,
    net::{IpAddr, Ipv4Addr},
};

use clap::{
    Arg, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use clap_complete::Shell;

use crate::server::guard::{HostName, Origin};

pub use self::{
    catalogue::{CatalogueCommand, CatalogueOptions},
    console::{ConsoleCommand, ConsoleOptions},
    customers::{CustomerOptions, CustomersCommand, CustomersOptions},
    database::{EngineOptions, TableOptions},
    demo::DemoOptions,
    import::{ImportOptions, LinesOptions, OnConflictOption},
    keys::{KeysCommand, KeysOptions, NewKey},
    organisation::{BackupOptions, ExportOptions, RestoreOptions, StatsOptions},
    reindex::ReindexOptions,
};

/// What `--version` tells.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILT_FROM"), ")");

const EXAMPLES: &str = "\
Examples:
  customers-categories                                  serve the API on http://127.0.0.1:3000
  customers-categories --in-memory --port 0             serve it on a free port, and forget the data at the end
  customers-categories keys list                        a command, on the data file, whether a server runs or not
  customers-categories keys --table TABLE list          the same on a table in AWS
  source <(customers-categories completions bash)       complete commands and options by the Tab key";

const KEYS: &str = "\
Examples:
  customers-categories keys create --name crm-backend --org telco --role categories:read --role categories:write
  customers-categories keys list --json
  customers-categories keys revoke crm-backend
  customers-categories keys revoke --key-stdin < leaked-key.txt";

const CUSTOMERS: &str = "\
Examples:
  customers-categories customers export --org telco --customer 123e4567-e89b-12d3-a456-556642440000 --output held.jsonl
  customers-categories customers erase --org telco --customer 123e4567-e89b-12d3-a456-556642440000";

const CATALOGUE: &str = "\
Examples:
  customers-categories catalogue survey --org telco --draft draft.jsonl
  customers-categories catalogue import draft.jsonl --org telco
  customers-categories catalogue policy --org telco --unknown reject";

const IMPORT: &str = "\
Examples:
  customers-categories import events/categories.jsonl --org telco
  customers-categories import telco.jsonl --org telco --with-history
  gunzip -c categories.jsonl.gz | customers-categories import - --org telco --table TABLE";

const EXPORT: &str = "\
Examples:
  customers-categories export --org telco --output telco.jsonl
  customers-categories import telco.jsonl --org telco --with-history --data other.db --create-data";

const RESTORE: &str = "\
Examples:
  customers-categories restore --org telco --changed-by crm-backend --as-of 2026-11-26T08:00:00Z --dry-run
  customers-categories restore --org telco --customer 123e4567-e89b-12d3-a456-556642440000 --as-of 2026-11-26T08:00:00Z";

const STATS: &str = "\
Examples:
  customers-categories stats
  customers-categories stats --org telco --table TABLE";

const BACKUP: &str = "\
Examples:
  customers-categories backup saved.db
  customers-categories --data saved.db                  serve the copy";

/// Serves the Customers Categories API on this machine, over an embedded DynamoDB-compatible
/// engine that keeps its data in a file.
#[derive(Clone, Debug, Parser)]
#[command(version = VERSION, args_override_self = true, after_help = EXAMPLES)]
pub struct Options {
    /// Port of the API; 0 takes any free one
    #[arg(long, env = "LOCAL_PORT", default_value_t = 3000, help_heading = "Server")]
    pub port: u16,

    /// Address of the API: in a container, 0.0.0.0, to which published ports lead. The keys of the local server are known
    /// to everybody, so let nobody else reach it
    #[arg(
        long,
        env = "LOCAL_ADDRESS",
        value_name = "IP",
        default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST),
        help_heading = "Server"
    )]
    pub address: IpAddr,

    /// A name or address, besides 127.0.0.1, localhost and `[::1]`, that requests may have in `Host`, such as
    /// host.docker.internal for containers; may be repeated
    #[arg(
        long = "allow-host",
        env = "LOCAL_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = HostName::parse,
        help_heading = "Server"
    )]
    pub allowed_hosts: Vec<HostName>,

    /// The origin of a page on another server, such as <https://console.example.com>, whose scripts may use the API,
    /// as with the parameter `CorsAllowOrigins` of the template; may be repeated
    #[arg(
        long = "allow-origin",
        env = "LOCAL_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = Origin::parse
    )]
    pub allowed_origins: Vec<Origin>,

    /// Where the embedded engine is.
    #[command(flatten)]
    pub engine: EngineOptions,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What an operator does instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make, list and revoke API keys, in the local engine or in AWS
    #[command(after_help = KEYS)]
    Keys(KeysOptions),
    /// Export or erase all that is held on one customer, in the local engine or in AWS
    #[command(after_help = CUSTOMERS)]
    Customers(CustomersOptions),
    /// Say what an organisation's categories mean, and see what is carried, in the local engine or in AWS
    #[command(after_help = CATALOGUE)]
    Catalogue(CatalogueOptions),
    /// Take categories over from another system, out of a file with one JSON object per line
    #[command(after_help = IMPORT)]
    Import(ImportOptions),
    /// Write all that an organisation has, with its history, one JSON object per line: for another table, or to keep
    #[command(after_help = EXPORT)]
    Export(ExportOptions),
    /// Take back what was changed since a moment, by ordinary changes: against a wrong batch or a leaked key
    #[command(after_help = RESTORE)]
    Restore(RestoreOptions),
    /// Count customers, categories, changes and bytes, by month. It reads the whole table
    #[command(after_help = STATS)]
    Stats(StatsOptions),
    /// Copy the local engine's data file, while a server works on it or not
    #[command(after_help = BACKUP)]
    Backup(BackupOptions),
    /// Give categories from before there was an index of carriers their place in it, in the local engine or in AWS;
    /// killed midway, run it again
    Reindex(ReindexOptions),
    /// Fill an organisation of the local engine with a catalogue, customers and two years of history to look at
    Demo(DemoOptions),
    /// Write the console's files, for a static host that serves it beside an API in AWS
    Console(ConsoleOptions),
    /// Print what has a shell complete commands and options
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Options {
    /// Reads the command line and the environment's variables.
    ///
    /// # Errors
    /// What is to be printed instead of doing anything: a mistake, the help, the version.
    pub fn read() -> Result<Self, clap::Error> {
        Self::try_parse().map_err(naming_the_variable)
    }
}

/// The same error, naming the variable where the wrong value is one's: by itself, clap blames the option.
fn naming_the_variable(mut error: clap::Error) -> clap::Error {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(option), Some(value)) = (text(ContextKind::InvalidArg), text(ContextKind::InvalidValue)) else {
        return error;
    };
    let mut command = Options::command();
    command.build();
    let wrong = command.get_arguments().find(|argument| argument.to_string() == option);
    let is_written = |argument: &Arg| {
        let option = format!("--{}", argument.get_long().unwrap_or_default());
        env::args().any(|written| written == option || written.starts_with(&format!("{option}=")))
    };
    let variable = wrong.filter(|argument| !is_written(argument)).and_then(Arg::get_env);
    if let Some(variable) = variable
        && env::var(variable).is_ok_and(|set| set.contains(&value))
    {
        let named = format!("{option}' in the variable '{}", variable.display());
        error.insert(ContextKind::InvalidArg, ContextValue::String(named));
    }
    error
}
