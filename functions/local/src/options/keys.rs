//! Options of `keys`.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use shared::domain::{KeyName, OrgId, Permission};

/// Which table, and what to do.
#[derive(Args, Clone, Debug)]
pub struct KeysOptions {
    /// Name of the keys table in AWS, reached by the usual AWS environment and profiles; without
    /// it, the local engine's is meant, which `--data` names, whether its server runs or not
    #[arg(long, value_name = "NAME", global = true, help_heading = "Database")]
    pub table: Option<String>,

    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with API keys.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once, to standard output
    Create(NewKey),
    /// List all keys, never showing one
    List {
        /// One JSON object per key and line, in place of a table
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for good; it takes up to 30 seconds to hold everywhere
    #[command(group(ArgGroup::new("key").required(true).args(["which", "key_stdin"])))]
    Revoke {
        /// The name of a key that is not revoked yet, or at least 6 digits of a key's hash
        #[arg(value_name = "NAME-OR-HASH-PREFIX")]
        which: Option<String>,

        /// Read the key itself from standard input, which keeps it out of the shell's history and of the list of
        /// processes: for a key that has leaked
        #[arg(long)]
        key_stdin: bool,
    },
}

/// A key to make.
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

    /// What the key allows: `categories:read`, `categories:write`, `categories:search` or `catalogue:write`; may be
    /// repeated
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = Permission::parse)]
    pub roles: Vec<Permission>,

    /// How long the key is valid, such as 90d or 12h; for ever, if left out
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub expires_in: Option<Duration>,
}

/// How long a key is to be valid.
fn lifetime(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("a key that expires at once opens nothing".into()) } else { Ok(duration) }
}
