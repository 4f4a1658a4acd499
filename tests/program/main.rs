//! The program as its user sees it: the real binary, its output, its exit codes, its files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod catalogue_commands;
mod local_server;
mod operator_commands;
mod running;
