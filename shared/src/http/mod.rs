//! From API Gateway's request to domain types, and from answers and errors back to HTTP.

mod auth;
mod cursor;
mod error;
mod operation;
pub mod request;
pub mod response;

pub use auth::{KeyCache, authorize};
pub use error::ErrorCode;
pub use lambda_http::Request;
pub use operation::Operation;

pub type Response = lambda_http::Response<lambda_http::Body>;
