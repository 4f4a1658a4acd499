//! From API Gateway's request to domain types, and from answers and errors back to HTTP.

mod auth;
mod carriers;
mod cursor;
mod error;
mod event;
mod given;
mod operation;
mod precondition;
mod query;
pub mod request;
mod request_id;
pub mod response;

pub use auth::authorize;
pub use carriers::CarriersQuery;
pub use error::ErrorCode;
pub(crate) use event::request_of;
pub use lambda_http::Request;
pub use operation::Operation;
pub use query::{HistoryQuery, ListQuery};
pub(crate) use request::Deadline;
pub use request_id::REQUEST_ID_HEADER;
pub(crate) use request_id::request_ids;

/// What a handler answers with.
pub type Response = lambda_http::Response<lambda_http::Body>;
