//! The command line.

mod catalogue;
mod customers;
mod database;
mod import;
mod keys;

use clap::{Parser, Subcommand};

use crate::server::guard::HostName;

pub use self::{
    catalogue::{CatalogueCommand, CatalogueOptions},
    customers::{CustomerOptions, CustomersCommand, CustomersOptions},
    database::{EngineOptions, TableOptions},
    import::{ImportOptions, LinesOptions, OnConflictOption},
    keys::{KeysCommand, KeysOptions, NewKey},
};

/// Serves the Customers Categories API on this machine, over an embedded DynamoDB-compatible
/// engine that keeps its data in a file.
#[derive(Clone, Debug, Parser)]
#[command(version, args_override_self = true)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "LOCAL_PORT", default_value_t = 3000)]
    pub port: u16,

    /// A name or address, besides 127.0.0.1, localhost and `[::1]`, that requests may have in `Host`, such as
    /// host.docker.internal for containers; may be repeated
    #[arg(
        long = "allow-host",
        env = "LOCAL_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = HostName::parse
    )]
    pub allowed_hosts: Vec<HostName>,

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
    Keys(KeysOptions),
    /// Export or erase all that is held on one customer, in the local engine or in AWS
    Customers(CustomersOptions),
    /// Say what an organisation's categories mean, and see what is carried, in the local engine or in AWS
    Catalogue(CatalogueOptions),
    /// Take categories over from another system, out of a file with one JSON object per line
    Import(ImportOptions),
}
