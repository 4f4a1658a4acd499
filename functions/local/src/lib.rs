//! The program on a laptop: the whole API over an embedded DynamoDB-compatible engine ([`server`]), and the
//! operator's commands on it or on tables in AWS ([`operator`]).

#![warn(missing_docs)]

pub mod operator;
pub mod options;
pub mod output;
pub mod server;

pub use server::{
    Server,
    engine::{Data, Engine},
};

/// The program's version, as it is in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What it was built from: `commit` and the first 12 digits of its hash, or `built outside git`.
pub const BUILT_FROM: &str = env!("BUILT_FROM");
