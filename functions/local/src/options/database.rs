//! Options that say which database is meant.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;

use crate::Data;

/// The port of a server's DynamoDB endpoint, unless another is named.
const DEFAULT_DYNAMODB_PORT: u16 = 8000;

/// Where the embedded engine is, or is to be.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct EngineOptions {
    /// Port of the DynamoDB endpoint, 8000 if left out; 0 takes any free one. To a command it names the
    /// port of a running server
    #[arg(long, env = "LOCAL_DYNAMODB_PORT", value_name = "PORT", global = true)]
    pub dynamodb_port: Option<u16>,

    /// Address of the DynamoDB endpoint, which asks nobody for credentials: containers on Linux need
    /// that of their bridge
    #[arg(
        long,
        env = "LOCAL_DYNAMODB_ADDRESS",
        value_name = "IP",
        default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST),
        global = true
    )]
    pub dynamodb_address: IpAddr,

    /// File that keeps the data
    #[arg(
        long,
        env = "LOCAL_DATA",
        value_name = "FILE",
        default_value = "customers-categories.db",
        global = true
    )]
    pub data: PathBuf,

    /// Have a command make the data file where it is not there, rather than refuse to work
    #[arg(long, global = true)]
    pub create_data: bool,

    /// Keep the data in memory alone, whatever `--data` says, and forget it at the end. A command reaches
    /// such a server by `--dynamodb-port`, and no other
    #[arg(long, env = "LOCAL_IN_MEMORY", global = true)]
    pub in_memory: bool,
}

impl EngineOptions {
    /// Where a server is to have its DynamoDB endpoint.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.dynamodb_address, self.dynamodb_port.unwrap_or(DEFAULT_DYNAMODB_PORT))
    }

    /// Where the running server that a command is to reach has its DynamoDB endpoint, if the operator says.
    #[must_use]
    pub fn named_server(&self) -> Option<SocketAddr> {
        let port = self.dynamodb_port.filter(|port| *port != 0)?;
        Some(SocketAddr::new(self.dynamodb_address, port))
    }

    /// Where the data is kept.
    #[must_use]
    pub fn data(&self) -> Data {
        if self.in_memory { Data::Memory } else { Data::File(self.data.clone()) }
    }
}

/// Which categories table is meant.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct TableOptions {
    /// Name of the categories table in AWS, reached by the usual AWS environment and profiles;
    /// without it, the local engine's is meant, which `--data` names, whether its server runs or not
    #[arg(long, value_name = "NAME", global = true)]
    pub table: Option<String>,
}
