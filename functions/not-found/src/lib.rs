//! Answers what no route matches.

use std::sync::Arc;

use lambda_http::RequestExt;
use shared::{
    App, Error, Result,
    http::{Operation, Request, Response},
};

/// The gateway's `$default` route. It reads nothing, so it asks for no key.
///
/// # Errors
/// Always: 405 where the path is known, else 404.
#[expect(clippy::unused_async, reason = "handlers are async")]
pub async fn handle(_: Arc<App>, request: Request) -> Result<Response> {
    Err(match Operation::allowed_on(request.raw_http_path()) {
        Some(allow) => Error::MethodNotAllowed { allow },
        None => Error::NotFound("there is no such resource"),
    })
}
