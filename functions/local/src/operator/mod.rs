//! What an operator does instead of serving: API keys, export, erasure, import, the catalogue. In the local engine
//! or in AWS.

pub mod backup;
pub mod catalogue;
pub mod customers;
pub mod database;
mod files;
pub mod import;
pub mod keys;
pub mod organisation;
mod progress;
pub mod restore;
mod table;
