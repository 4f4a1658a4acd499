//! What is deployed: the template, what the functions link, the events that changes become.

mod change_events;
pub mod dashboard;
mod dependencies;
mod edge;
mod operation;
mod parameters;
mod template;
