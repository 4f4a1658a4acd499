//! The service as its callers see it: real HTTP, through the local gateway, the functions' own
//! handlers and the real SDK, into a database. One file per route and verb.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod create_category;
mod delete_category;
mod get_category;
mod list_categories;
mod list_category_history;
mod not_found;
mod update_category;

mod auth;
mod capacity;
mod change_events;
mod concurrency;
mod dependencies;
mod deployment;
mod description;
mod docs;
mod errors;
mod faults;
mod fuzz;
mod linearizability;
mod logs;
mod malformed;
mod model;
mod operator;
mod proxy;
mod readme;
mod recorder;
mod sample_events;
mod template;
