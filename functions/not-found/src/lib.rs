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
    // The gateway has decoded the path, but not before it looked for a route: `categories%2F7` has found none.
    let is_own = |method: &str| method == request.method().as_str();
    let allowed = Operation::allowed_on(request.raw_http_path());
    Err(match allowed.filter(|allow| !allow.split(", ").any(is_own)) {
        Some(allow) => Error::MethodNotAllowed { allow },
        None => Error::NotFound("there is no such resource"),
    })
}
