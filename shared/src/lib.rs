//! The domain crate that every function links: data flows from the event through [`http`] and
//! [`domain`] to [`store`], and back out as an answer.

#![deny(missing_docs)]

mod app;
pub mod clock;
pub mod config;
pub mod domain;
pub mod error;
pub mod http;
pub mod lambda;
pub mod log;
pub mod store;

pub use app::App;
pub use error::{Error, Result};
