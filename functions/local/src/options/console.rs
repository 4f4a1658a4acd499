//! Options of `console`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::server::console::ApiUrl;

/// What to do.
#[derive(Args, Clone, Debug)]
pub struct ConsoleOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: ConsoleCommand,
}

/// What to do with the console.
#[derive(Clone, Debug, Subcommand)]
pub enum ConsoleCommand {
    /// Write its files into a folder
    Export {
        /// The folder, which is made; if it is there, it must be empty
        #[arg(value_name = "DIR")]
        folder: PathBuf,

        /// Base URL of the API, such as <https://api.example.com>; the console talks to it alone
        #[arg(long, value_name = "URL", value_parser = ApiUrl::parse)]
        api: ApiUrl,
    },
}
