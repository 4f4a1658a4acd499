//! The program as its user sees it: the real binary, its output, its exit codes, its files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod catalogue;
mod customers;
mod database;
mod files;
mod guard;
mod import;
mod keys;
mod output;
mod place;
mod reindex;
mod running;
mod server;
