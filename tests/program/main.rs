//! The program as its user sees it: the real binary, its output, its exit codes, its files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod catalogue;
mod console;
mod customers;
mod database;
mod demo;
mod files;
mod guard;
mod help;
mod import;
mod keys;
#[path = "../limit.rs"]
mod limit;
mod messages;
mod organisation;
mod output;
mod place;
mod reindex;
mod restore;
mod running;
mod server;
mod start;
mod tokens;
mod tonight;
mod upgrade;
