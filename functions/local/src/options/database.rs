//! Options that say which database is meant.

use std::path::PathBuf;

use clap::Args;

use crate::Data;

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

/// Which categories table is meant.
#[derive(Args, Clone, Debug)]
pub struct TableOptions {
    /// Name of the categories table in AWS, reached by the usual AWS environment and profiles;
    /// without it, the local engine's is meant, whether its server runs or not
    #[arg(long, value_name = "NAME", global = true)]
    pub table: Option<String>,
}
