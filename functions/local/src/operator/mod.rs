//! What an operator does instead of serving: API keys, export, erasure, import, the catalogue, the index of carriers.
//! In the local engine or in AWS.

pub mod catalogue;
pub mod customers;
pub mod database;
mod files;
pub mod import;
pub mod keys;
mod progress;
pub mod reindex;
