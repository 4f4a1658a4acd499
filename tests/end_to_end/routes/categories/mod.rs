mod create;
mod delete;
mod get;
mod list;
mod list_history;
mod set;
mod update;
