//! One file per route and verb.

mod batches;
mod carriers;
mod categories;
mod definitions;
mod not_found;
