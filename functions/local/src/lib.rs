//! The whole API on a laptop: the functions' own handlers behind an HTTP gateway, over an embedded
//! DynamoDB-compatible engine.

pub mod customers;
pub mod database;
pub mod docs;
pub mod engine;
pub mod gateway;
pub mod import;
pub mod keys;
pub mod options;
pub mod server;
pub mod template;

pub use engine::{Data, Engine};
pub use server::Server;
