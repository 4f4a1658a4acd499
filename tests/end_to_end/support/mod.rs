//! What the tests have in common.

pub mod api;
pub mod carriers;
pub mod description;
pub mod documentation;
pub mod limit;
pub mod logs;
pub mod proxy;
pub mod recorder;
pub mod template;
