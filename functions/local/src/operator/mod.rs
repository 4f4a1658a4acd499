//! What an operator does instead of serving: API keys, export, erasure, import, the catalogue, the index of carriers,
//! in the local engine or in AWS; the demonstration; the console for another host.

pub mod backup;
pub mod catalogue;
pub mod console;
pub mod customers;
pub mod database;
pub mod demo;
mod files;
pub mod import;
pub mod keys;
pub mod organisation;
mod progress;
pub mod reindex;
pub mod restore;
mod table;
