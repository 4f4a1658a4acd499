//! What an operator does instead of serving: API keys, export, erasure, import, the catalogue, in the local
//! engine or in AWS; the demonstration; the console for another host.

pub mod catalogue;
pub mod console;
pub mod customers;
pub mod database;
pub mod demo;
mod files;
pub mod import;
pub mod keys;
mod progress;
