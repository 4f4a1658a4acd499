//! The console: a page on which people see what customers carry, and change it. Its files are in the binary; the
//! same files work on any static host.

use std::fmt;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use shared::domain::LOCAL_KEYS;

use super::gateway::refusal;

/// Where it is served.
const PATH: &str = "/console/";

/// The name of the page among its files.
pub const INDEX: &str = "index.html";

/// A file of the console.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path from the page.
    pub name: &'static str,
    /// What is in it.
    pub content: &'static [u8],
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(File { name: $name, content: include_bytes!(concat!("../../console/", $name)) }),*]
    };
}

/// All files but the page, which is made by [`page`].
pub const FILES: &[File] = files![
    "api.js",
    "app.js",
    "base.css",
    "controls.css",
    "definitions.js",
    "icon.svg",
    "page.css",
    "parts.css",
    "router.js",
    "session.js",
    "texts.js",
    "time.js",
    "timeline.css",
    "ui/editing.js",
    "ui/entry.js",
    "ui/key_form.js",
    "ui/parts.js",
    "ui/timeline.js",
    "vendor/lit-html-3.3.3/LICENSE",
    "vendor/lit-html-3.3.3/lit-html.js",
    "views.css",
    "views/carried.js",
    "views/carriers.js",
    "views/catalogue.js",
    "views/category_form.js",
    "views/customer.js",
    "views/definition_form.js",
    "views/moment_bar.js",
    "views/start.js",
];

const TEMPLATE: &str = include_str!("../../console/index.html");

/// Base URL of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl {
    url: String,
    origin: String,
}

impl ApiUrl {
    /// # Errors
    /// The problem, where the text is no `http` or `https` URL, or has more than a path behind its host.
    pub fn parse(text: &str) -> Result<Self, String> {
        let problem =
            || "must be an http or https URL without a query, such as https://api.example.com".to_owned();
        // The page's attributes and policy have it as it is.
        if text.contains(['"', '\'', '<', '>', '&', ';', ',', '?', '#', '@', ' ']) {
            return Err(problem());
        }
        let uri: Uri = text.parse().map_err(|_| problem())?;
        match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("http" | "https")), Some(host)) => {
                Ok(Self { url: text.trim_end_matches('/').to_owned(), origin: format!("{scheme}://{host}") })
            }
            _ => Err(problem()),
        }
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// The page, for an API at a base URL or for that of the page's own server, with a key filled in.
#[must_use]
pub fn page(api: Option<&ApiUrl>, key: &str) -> String {
    let policy = policy(api.map_or("'self'", |api| &api.origin));
    let url = api.map_or("", |api| &api.url);
    TEMPLATE.replace("{{policy}}", &policy).replace("{{api}}", url).replace("{{key}}", key)
}

/// Lets the page load its own files alone, and talk to the API alone. Texts become markup nowhere: the one place that
/// makes markup is lit-html's, out of the page's own templates.
fn policy(api: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {api}; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
    )
}

/// Whether a path is the console's.
#[must_use]
pub fn serves(path: &str) -> bool {
    path.starts_with(PATH) || path == PATH.trim_end_matches('/')
}

/// What is under a path that it [`serves`].
#[must_use]
pub fn answer(path: &str) -> Response {
    match path.strip_prefix(PATH) {
        // The page's files are beside it, so its own path has to end in a slash.
        None => found(),
        Some("") => {
            let [key, ..] = LOCAL_KEYS;
            served(page(None, key), INDEX)
        }
        Some(name) => match FILES.iter().find(|file| file.name == name) {
            Some(file) => served(file.content, name),
            None => refusal(StatusCode::NOT_FOUND, "Not Found"),
        },
    }
}

/// Leads to the console.
pub(super) fn found() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(PATH));
    response
}

fn served(content: impl Into<Body>, name: &str) -> Response {
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_TYPE, kind),
        // A newer binary has newer files.
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = Response::new(content.into());
    let headers = response.headers_mut();
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    // A page's own `<meta>` can't forbid frames.
    let policy = format!("{}; frame-ancestors 'none'", policy("'self'"));
    headers
        .extend(HeaderValue::from_str(&policy).ok().map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    response
}
