//! One file per route and verb.

mod categories;
mod not_found;
