//! What pages of other servers may do, as API Gateway tells browsers: it answers preflights by itself, and adds to
//! other answers what the page may read. What is allowed comes from the template.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};

use super::{guard::Origin, template::CorsConfiguration};

/// The headers of answers, but for the page's origin.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    preflight: [(HeaderName, HeaderValue); 3],
    exposed: HeaderValue,
}

impl Cors {
    /// `None` where the template has something that can't be in a header.
    pub(super) fn new(allowed: &CorsConfiguration) -> Option<Self> {
        let list = |items: &[String]| HeaderValue::from_str(&items.join(",")).ok();
        Some(Self {
            preflight: [
                (header::ACCESS_CONTROL_ALLOW_METHODS, list(&allowed.allow_methods)?),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, list(&allowed.allow_headers)?),
                (header::ACCESS_CONTROL_MAX_AGE, allowed.max_age.into()),
            ],
            exposed: list(&allowed.expose_headers)?,
        })
    }

    /// The answer to a browser that asks.
    pub(super) fn preflight(&self, origin: &Origin) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.as_header().clone());
        response.headers_mut().extend(self.preflight.clone());
        response
    }

    /// Lets the page read an answer.
    pub(super) fn expose(&self, origin: &Origin, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.as_header().clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
    }
}
