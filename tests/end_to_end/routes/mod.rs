//! One file per route and verb.

mod carriers;
mod categories;
mod definitions;
mod not_found;
