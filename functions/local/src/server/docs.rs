//! The reference page: Swagger UI over `openapi.yaml`, and below it what each error code means,
//! which is where `ref` in an error leads. All that the page loads is in the binary.

use std::{collections::BTreeMap, fmt::Write};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use lambda_http::Service;
use serde::Deserialize;
use serde_json::Value;
use shared::http::ErrorCode;
use swagger_ui_dist::{ApiDefinition, OpenApiSource};

/// The text of `openapi.yaml`.
pub const DESCRIPTION: &str = include_str!("../../../../openapi.yaml");

/// Where the page is.
pub const PATH: &str = "/docs";

/// Lets the page load from, and talk to, its own server alone. Swagger UI styles its elements
/// inline and has its icons in the style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// The page and its assets.
#[derive(Debug)]
pub struct Docs {
    page: String,
    assets: Router,
}

/// As much of the description as the page takes from it by itself.
#[derive(Deserialize)]
struct Description {
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    examples: BTreeMap<String, Example>,
}

#[derive(Deserialize)]
struct Example {
    description: String,
    value: Value,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum DocsError {
    /// `openapi.yaml` is no description.
    #[error(transparent)]
    Yaml(#[from] Box<serde_saphyr::Error>),
    /// An error code has no example in `openapi.yaml`.
    #[error("no example for {0}")]
    NoExample(&'static str),
}

impl Docs {
    /// The page over `openapi.yaml`.
    ///
    /// # Errors
    /// [`DocsError`].
    pub fn new() -> Result<Self, DocsError> {
        let Description { components } = serde_saphyr::from_str(DESCRIPTION).map_err(Box::new)?;
        let errors = ErrorCode::ALL.map(|error| {
            let code = error.code();
            let example = components.examples.get(code);
            example.map(|example| section(error, example)).ok_or(DocsError::NoExample(code))
        });
        let errors = errors.into_iter().collect::<Result<String, DocsError>>()?;
        let page = include_str!("docs/page.html").replace("<!-- errors -->\n", &errors);
        let assets = swagger_ui_dist::generate_routes(ApiDefinition {
            uri_prefix: PATH,
            api_definition: OpenApiSource::Uri("/docs/openapi.yaml"),
            title: None::<&str>,
        });
        Ok(Self { page, assets })
    }

    /// Whether a path is the page's or an asset's.
    #[must_use]
    pub fn serves(path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The page, or the asset, under a path that [`Docs::serves`].
    pub(crate) async fn answer(&self, path: &str) -> Response {
        match path.strip_prefix(PATH).unwrap_or(path) {
            "" | "/" => {
                let mut page = text(self.page.clone(), "text/html; charset=utf-8");
                page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
                page
            }
            "/openapi.yaml" => text(DESCRIPTION, "application/yaml"),
            "/page.css" => text(include_str!("docs/page.css"), "text/css"),
            "/page.js" => text(include_str!("docs/page.js"), "text/javascript"),
            _ => self.asset(path).await,
        }
    }

    /// An asset of Swagger UI; 404 where there is no such asset.
    async fn asset(&self, path: &str) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap_or_default();
        self.assets.clone().call(request).await.unwrap_or_else(|never| match never {})
    }
}

fn text(body: impl Into<Body>, kind: &'static str) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// What a reader who followed `ref` is told.
fn section(error: ErrorCode, example: &Example) -> String {
    let (code, status) = (error.code(), error.status().as_u16());
    let heading = match (error.title(), error.message()) {
        (title, message) if title == message => title.to_owned(),
        (title, message) => format!("{title}: {message}"),
    };
    let mut html = String::new();
    let example_json = serde_json::to_string_pretty(&example.value).unwrap_or_default();
    let _infallible = write!(
        html,
        "<section id=\"{code}\"><h2><a href=\"#{code}\">{code}</a> {status} {}</h2>\n\
         <p>{}</p>\n<details><summary>Example</summary><pre>{}</pre></details></section>\n",
        escape(&heading),
        paragraph(&example.description),
        escape(&example_json),
    );
    html
}

/// Markdown's code spans, which is all of Markdown that the explanations use.
fn paragraph(markdown: &str) -> String {
    let parts = markdown.trim().split('`').enumerate();
    let marked = parts.map(|(n, part)| match n % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    marked.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
