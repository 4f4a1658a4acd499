//! The documentation held to the truth.

mod clients;
mod description;
mod links;
mod reference_page;
mod runbook;
mod sample_events;
mod walk_through;
