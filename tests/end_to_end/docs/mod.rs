//! The documentation held to the truth.

mod description;
mod reference_page;
mod sample_events;
mod walk_through;
