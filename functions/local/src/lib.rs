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
