//! The service as its callers see it: real HTTP, through the local gateway, the functions' own
//! handlers and the real SDK, into a database. `tests/README.md` is the map.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod deployment;
mod docs;
mod promises;
mod routes;
mod support;
