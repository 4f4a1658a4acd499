//! What the local server has beside the API and its pages: `/`, which leads a browser to the console, and `/health`. No deployed function answers them.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::Response,
};
use serde_json::json;

use super::console;
use crate::{BUILT_FROM, VERSION};

/// Where it is told that the server runs, and which version it is.
pub const HEALTH: &str = "/health";

/// The answer to a request that is for neither the API nor a page.
pub(super) fn answer(request: &Parts) -> Option<Response> {
    match (&request.method, request.uri.path()) {
        (&Method::GET, HEALTH) => Some(health()),
        (&Method::GET, "/") if takes_pages(&request.headers) => Some(console::found()),
        _ => None,
    }
}

fn health() -> Response {
    let body = json!({ "status": "ok", "version": VERSION, "built_from": BUILT_FROM });
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the caller asks for HTML by name, as browsers do and programs don't.
fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}
