//! API Gateway's HTTP API on a laptop: every HTTP request becomes an `event`, goes through
//! `lambda_http` into the one of the `functions` that `template.yaml` routes it to, and the
//! function's answer becomes an HTTP `response`.

mod event;
mod functions;
mod response;

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{Method, StatusCode, header, request::Parts, uri::Authority},
    response::Response,
};
use lambda_http::Context;
use percent_encoding::percent_decode_str;
use shared::App;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::functions::{Function, functions};

pub(super) use self::response::refusal;

use self::{
    event::{RoutedRequest, event, unix_millis},
    response::response,
};
use super::{
    console,
    cors::Cors,
    docs::Docs,
    error::StartError,
    guard::{Caller, Guard},
    home,
    template::Template,
};
use crate::output::printable;

/// The longest body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// Why the routes of a template can't be served.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// No function has the name of the binary.
    #[error("there is no function {0:?}")]
    Function(String),
    /// The method of a route is none.
    #[error("no method: {0}")]
    Method(String),
    /// The path of a route is none, or overlaps with another route's.
    #[error("{route}")]
    Path {
        /// Method and path.
        route: String,
        /// What is wrong with the path.
        source: matchit::InsertError,
    },
    /// What the API lets pages of other servers do is not there, or can't be.
    #[error("CorsConfiguration has no lists of headers and methods")]
    Cors,
}

#[derive(Clone)]
struct Route {
    /// As API Gateway writes it, such as `GET /v4/…` or `$default`.
    key: String,
    function: Function,
}

/// The gateway: the routes that the template has, and the functions behind them.
pub struct Gateway {
    routes: HashMap<Method, matchit::Router<Route>>,
    default: Option<Route>,
    /// How long a function may take.
    timeout: Duration,
    docs: Docs,
    guard: Guard,
    cors: Cors,
}

impl Gateway {
    /// A gateway to the functions, each with an app of its own as when it is deployed, with the routes of
    /// `template`, behind a guard.
    ///
    /// # Errors
    /// [`StartError::Routes`] where the template names a function that there is not, or a route
    /// that can't be; [`StartError::Description`].
    pub fn new(
        app: impl Fn(&str) -> Arc<App>,
        template: &Template,
        guard: Guard,
    ) -> Result<Self, StartError> {
        let docs = Docs::new()?;
        let timeout = template.timeout();
        let cors = template.cors().and_then(Cors::new).ok_or(RouteError::Cors)?;
        let mut gateway = Self { routes: HashMap::new(), default: None, timeout, docs, guard, cors };
        gateway.add_routes(&functions(app), template)?;
        Ok(gateway)
    }

    fn add_routes(
        &mut self,
        functions: &HashMap<&'static str, Function>,
        template: &Template,
    ) -> Result<(), RouteError> {
        for route in template.routes() {
            let Some(function) = functions.get(route.function.as_str()).cloned() else {
                return Err(RouteError::Function(route.function));
            };
            let Some((method, path)) = route.matches else {
                self.default = Some(Route { key: "$default".into(), function });
                continue;
            };
            let method = method.to_uppercase();
            let key = format!("{method} {path}");
            let Ok(method) = method.parse() else { return Err(RouteError::Method(key)) };
            let routes: &mut matchit::Router<Route> = self.routes.entry(method).or_default();
            routes
                .insert(&path, Route { key: key.clone(), function })
                .map_err(|source| RouteError::Path { route: key, source })?;
        }
        Ok(())
    }

    /// The HTTP service, to be served with the callers' addresses.
    pub fn into_router(self) -> Router {
        Router::new().fallback(answer).with_state(Arc::new(self))
    }

    /// The route for a request, and its path parameters, percent-decoded. A full match of method
    /// and path comes first, then `$default`.
    fn route(&self, method: &Method, path: &str) -> Option<(Route, BTreeMap<String, String>)> {
        let found = self.routes.get(method).and_then(|routes| routes.at(path).ok());
        if let Some(found) = found.filter(|found| found.params.iter().all(|(_, value)| !value.is_empty())) {
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let parameters =
                found.params.iter().map(|(name, value)| (name.to_owned(), decode(value))).collect();
            return Some((found.value.clone(), parameters));
        }
        self.default.clone().map(|route| (route, BTreeMap::new()))
    }

    /// Answers with a page, or with what a function says.
    async fn serve(&self, parts: &Parts, body: Body, source: SocketAddr) -> Response {
        let path = parts.uri.path();
        if let Some(answer) = home::answer(parts) {
            return answer;
        }
        match parts.method {
            Method::GET if Docs::serves(path) => self.docs.answer(path).await,
            Method::GET if console::serves(path) => console::answer(path),
            _ => match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
                Ok(body) => self.invoke(parts, &body, source).await,
                Err(_) => refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            },
        }
    }

    /// Runs the function that the request is for.
    async fn invoke(&self, parts: &Parts, body: &Bytes, source: SocketAddr) -> Response {
        let Some((route, path_parameters)) = self.route(&parts.method, parts.uri.path()) else {
            return refusal(StatusCode::NOT_FOUND, "Not Found");
        };
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| host.parse::<Authority>().is_ok()) else {
            return refusal(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let id = Uuid::now_v7().to_string();
        let event = event(&RoutedRequest {
            id: &id,
            parts,
            body,
            host,
            source,
            route_key: &route.key,
            path_parameters: &path_parameters,
        });
        let mut context = Context::default();
        context.request_id.clone_from(&id);
        context.deadline = unix_millis(OffsetDateTime::now_utc() + self.timeout);
        match (route.function)(event.to_string(), context).await {
            Some(answer) => response(answer, &id),
            None => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

/// Answers one request, and logs a line about it.
async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let response = match gateway.guard.check(&parts) {
        Err(refused) => refusal(StatusCode::FORBIDDEN, &refused.to_string()),
        Ok(Caller::Preflight(origin)) => gateway.cors.preflight(&origin),
        Ok(Caller::Usual) => gateway.serve(&parts, body, source).await,
        Ok(Caller::Page(origin)) => {
            let mut response = gateway.serve(&parts, body, source).await;
            gateway.cors.expose(&origin, &mut response);
            response
        }
    };
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    let path = printable(&path);
    tracing::info!("{method} {path} {} {milliseconds:.1} ms", response.status().as_u16());
    response
}
