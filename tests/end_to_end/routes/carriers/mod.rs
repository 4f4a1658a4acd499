mod count;
mod list;
