//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::Data;

/// Serves the Customers Categories API on this machine, over an embedded DynamoDB-compatible
/// engine that keeps its data in a file.
#[derive(Clone, Debug, Parser)]
#[command(name = "local", version, args_override_self = true)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "LOCAL_PORT", default_value_t = 3000)]
    pub port: u16,

    /// Port of the DynamoDB endpoint on 127.0.0.1; 0 takes any free one
    #[arg(long, env = "LOCAL_DYNAMODB_PORT", default_value_t = 8000)]
    pub dynamodb_port: u16,

    /// File that keeps the data
    #[arg(long, env = "LOCAL_DATA", value_name = "FILE", default_value = "customers-categories.db")]
    pub data: PathBuf,

    /// Keep the data in memory alone, and forget it at the end
    #[arg(long, env = "LOCAL_IN_MEMORY", conflicts_with = "data")]
    pub in_memory: bool,
}

impl Options {
    /// Where the data is kept.
    #[must_use]
    pub fn data(&self) -> Data {
        if self.in_memory { Data::Memory } else { Data::File(self.data.clone()) }
    }
}
