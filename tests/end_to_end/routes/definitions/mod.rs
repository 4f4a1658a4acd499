mod define;
mod delete;
mod list_history;
mod read;
mod update;
