//! What the tests have in common.

pub mod api;
pub mod carriers;
pub mod description;
pub mod documentation;
#[path = "../../limit.rs"]
pub mod limit;
pub mod logs;
pub mod proxy;
pub mod recorder;
pub mod template;
