//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand};
use shared::domain::{CustomerId, KeyName, OrgId, Permission};

use crate::Data;

/// Serves the Customers Categories API on this machine, over an embedded DynamoDB-compatible
/// engine that keeps its data in a file.
#[derive(Clone, Debug, Parser)]
#[command(version, args_override_self = true)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "LOCAL_PORT", default_value_t = 3000)]
    pub port: u16,

    #[command(flatten)]
    pub engine: EngineOptions,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the embedded engine is, or is to be.
#[derive(Args, Clone, Debug)]
pub struct EngineOptions {
    /// Port of the DynamoDB endpoint on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "LOCAL_DYNAMODB_PORT", default_value_t = 8000, global = true)]
    pub dynamodb_port: u16,

    /// File that keeps the data
    #[arg(
        long,
        env = "LOCAL_DATA",
        value_name = "FILE",
        default_value = "customers-categories.db",
        global = true
    )]
    pub data: PathBuf,

    /// Keep the data in memory alone, whatever `--data` says, and forget it at the end
    #[arg(long, env = "LOCAL_IN_MEMORY", global = true)]
    pub in_memory: bool,
}

impl EngineOptions {
    /// Where the data is kept.
    #[must_use]
    pub fn data(&self) -> Data {
        if self.in_memory { Data::Memory } else { Data::File(self.data.clone()) }
    }
}

/// What an operator does instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make, list and revoke API keys, in the local engine or in AWS
    Keys(KeysOptions),
    /// Export or erase all that is held on one customer, in the local engine or in AWS
    Customers(CustomersOptions),
    /// Take categories over from another system, out of a file with one JSON object per line
    Import(ImportOptions),
}

/// Which categories table is meant.
#[derive(Args, Clone, Debug)]
pub struct TableOptions {
    /// Name of the categories table in AWS, reached by the usual AWS environment and profiles;
    /// without it, the local engine's is meant, whether its server runs or not
    #[arg(long, value_name = "NAME", global = true)]
    pub table: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct CustomersOptions {
    #[command(flatten)]
    pub table: TableOptions,

    #[command(subcommand)]
    pub command: CustomersCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum CustomersCommand {
    /// Write all that is held on a customer, one JSON object per line
    Export {
        #[command(flatten)]
        customer: CustomerOptions,

        /// File to write, which must not exist yet; standard output, if left out
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Erase a customer's categories and their history for good; killed midway, run it again
    Erase {
        #[command(flatten)]
        customer: CustomerOptions,

        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Clone, Debug)]
pub struct CustomerOptions {
    /// The customer's organisation
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// The customer's UUID
    #[arg(long, value_name = "UUID", value_parser = CustomerId::parse)]
    pub customer: CustomerId,
}

#[derive(Args, Clone, Debug)]
pub struct ImportOptions {
    #[command(flatten)]
    pub table: TableOptions,

    /// File with one JSON object per line: `customer_id` and what a POST's body has, optionally
    /// `changed_at` and `changed_by`; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The organisation whose customers they are
    #[arg(long, value_parser = OrgId::parse)]
    pub org: OrgId,

    /// Goes into history where a line has no `changed_by`
    #[arg(long, value_name = "NAME", value_parser = KeyName::parse, default_value = "import")]
    pub changed_by: KeyName,

    /// File for the lines that are rejected, and why; anew with every run. By default it lies
    /// beside FILE and ends in `.rejected.jsonl`
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,

    /// Lines that are worked on at once
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
}

#[derive(Args, Clone, Debug)]
pub struct KeysOptions {
    /// Name of the keys table in AWS, reached by the usual AWS environment and profiles; without
    /// it, the local engine's is meant, whether its server runs or not
    #[arg(long, value_name = "NAME", global = true)]
    pub table: Option<String>,

    #[command(subcommand)]
    pub command: KeysCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once, to standard output
    Create(NewKey),
    /// List all keys, never showing one
    List,
    /// Revoke a key for good; it takes up to 30 seconds to hold everywhere
    Revoke {
        /// The name of a key that is not revoked yet, or at least 6 digits of a key's hash
        #[arg(value_name = "NAME-OR-HASH-PREFIX")]
        which: String,
    },
}

#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("scope").required(true).args(["orgs", "all_orgs"])))]
pub struct NewKey {
    /// Who gets the key; goes into history as `changed_by`
    #[arg(long, value_parser = KeyName::parse)]
    pub name: KeyName,

    /// An organisation that the key is for; may be repeated
    #[arg(long = "org", value_name = "ORG", value_parser = OrgId::parse)]
    pub orgs: Vec<OrgId>,

    /// The key is for every organisation, those to come included
    #[arg(long)]
    pub all_orgs: bool,

    /// What the key allows, `categories:read` or `categories:write`; may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = Permission::parse)]
    pub roles: Vec<Permission>,

    /// How long the key is valid, such as 90d or 12h; for ever, if left out
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub expires_in: Option<Duration>,
}
