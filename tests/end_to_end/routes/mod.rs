//! One file per route and verb.

mod categories;
mod definitions;
mod not_found;
