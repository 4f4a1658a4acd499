//! What is deployed: the template, what the functions link, the events that changes become.

mod change_events;
mod dependencies;
mod template;
