//! API Gateway's HTTP API on a laptop: every HTTP request becomes an event in payload format 2.0,
//! goes through `lambda_http` into the function that `template.yaml` routes it to, and the
//! function's answer becomes an HTTP response.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header, request::Parts,
        uri::Authority,
    },
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{FutureExt, future::BoxFuture};
use lambda_http::{
    Context, LambdaEvent, Service, aws_lambda_events::apigw::ApiGatewayV2httpResponse, request::LambdaRequest,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::{App, Result as Handled, http::Request};
use time::{OffsetDateTime, format_description::StaticFormatDescription, macros::format_description};
use uuid::Uuid;

use super::{docs::Docs, engine::StartError, template::HttpApi};

/// What API Gateway accepts of a body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// The form of `requestContext.time`.
const COMMON_LOG_TIME: StaticFormatDescription =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// From an event to the answer as Lambda would hand it back; `None` where the function crashed.
pub type Function =
    Arc<dyn Fn(String, Context) -> BoxFuture<'static, Option<ApiGatewayV2httpResponse>> + Send + Sync>;

#[derive(Clone)]
struct Route {
    /// As API Gateway writes it, such as `GET /v4/…` or `$default`.
    key: String,
    function: Function,
}

/// The gateway: routes as the template has them, and the functions behind them.
pub struct Gateway {
    routes: HashMap<Method, matchit::Router<Route>>,
    default: Option<Route>,
    /// How long a function may take.
    timeout: Duration,
    docs: Docs,
}

impl Gateway {
    /// A gateway to the functions, each with an app of its own as when it is deployed, routed by
    /// `template`.
    ///
    /// # Errors
    /// [`StartError::Template`] where the template names a function that there is not, or a route
    /// that can't be; [`StartError::Description`].
    pub fn new(app: impl Fn(&str) -> Arc<App>, template: &str) -> Result<Self, StartError> {
        let broken = |problem: String| StartError::Template(problem);
        let functions = functions(app);
        let HttpApi { routes, timeout } =
            HttpApi::parse(template).map_err(|error| broken(error.to_string()))?;
        let docs = Docs::new().map_err(StartError::Description)?;
        let mut gateway = Self { routes: HashMap::new(), default: None, timeout, docs };
        for route in routes {
            let function = functions.get(route.function.as_str()).cloned();
            let function =
                function.ok_or_else(|| broken(format!("there is no function {:?}", route.function)))?;
            match route.matches {
                None => gateway.default = Some(Route { key: "$default".into(), function }),
                Some((method, path)) => {
                    let method = method.to_uppercase();
                    let key = format!("{method} {path}");
                    let method = method.parse().map_err(|_| broken(format!("no method: {key}")))?;
                    let routes = gateway.routes.entry(method).or_default();
                    let added = routes.insert(&path, Route { key: key.clone(), function });
                    added.map_err(|error| broken(format!("{key}: {error}")))?;
                }
            }
        }
        Ok(gateway)
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
}

/// Every function by the name of its binary, each with the app made for it.
pub fn functions(app: impl Fn(&str) -> Arc<App>) -> HashMap<&'static str, Function> {
    HashMap::from([
        ("create-category", function("create-category", app("create-category"), create_category::handle)),
        ("list-categories", function("list-categories", app("list-categories"), list_categories::handle)),
        ("get-category", function("get-category", app("get-category"), get_category::handle)),
        ("update-category", function("update-category", app("update-category"), update_category::handle)),
        ("delete-category", function("delete-category", app("delete-category"), delete_category::handle)),
        (
            "list-category-history",
            function("list-category-history", app("list-category-history"), list_category_history::handle),
        ),
        ("not-found", function("not-found", app("not-found"), not_found::handle)),
    ])
}

/// A handler as Lambda runs it: JSON in, JSON out.
fn function<H, F>(name: &'static str, app: Arc<App>, handler: H) -> Function
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Handled<shared::http::Response>> + Send + 'static,
{
    let function = shared::lambda::function(name, app, handler);
    Arc::new(move |event, context| {
        let mut function = function.clone();
        let invoked = async move {
            let event: LambdaRequest = serde_json::from_str(&event).ok()?;
            let answer = function.call(LambdaEvent::new(event, context)).await.ok()?;
            serde_json::from_value(serde_json::to_value(answer).ok()?).ok()
        };
        AssertUnwindSafe(invoked).catch_unwind().map(|invoked| invoked.ok().flatten()).boxed()
    })
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: axum::extract::Request,
) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let response = if method == Method::GET && Docs::serves(&path) {
        gateway.docs.answer(&path).await
    } else {
        match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
            Ok(body) => gateway.invoke(&parts, &body, source).await,
            Err(_) => refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        }
    };
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    tracing::info!("{method} {path} {} {milliseconds:.1} ms", response.status().as_u16());
    response
}

impl Gateway {
    async fn invoke(&self, parts: &Parts, body: &Bytes, source: SocketAddr) -> Response {
        let Some((route, parameters)) = self.route(&parts.method, parts.uri.path()) else {
            return refusal(StatusCode::NOT_FOUND, "Not Found");
        };
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = host.filter(|host| host.parse::<Authority>().is_ok()) else {
            return refusal(StatusCode::BAD_REQUEST, "Bad Request");
        };
        let id = Uuid::now_v7().to_string();
        let event = event(parts, body, &route.key, &parameters, host, source, &id);
        let mut context = Context::default();
        context.request_id.clone_from(&id);
        context.deadline = millis(OffsetDateTime::now_utc() + self.timeout);
        match (route.function)(event.to_string(), context).await {
            Some(answer) => response(answer, &id),
            None => refusal(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        }
    }
}

/// An event in payload format 2.0.
fn event(
    parts: &Parts,
    body: &Bytes,
    route_key: &str,
    parameters: &BTreeMap<String, String>,
    host: &str,
    source: SocketAddr,
    id: &str,
) -> Value {
    let now = OffsetDateTime::now_utc();
    let headers = headers(&parts.headers, host, source);
    let cookies: Vec<&str> = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';').map(str::trim))
        .collect();
    let query = query(&parts.uri);
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
                "protocol": if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
                "sourceIp": source.ip().to_string(),
                "userAgent": headers.get("user-agent").map_or("", String::as_str),
            },
            "requestId": id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.format(&COMMON_LOG_TIME).unwrap_or_default(),
            "timeEpoch": millis(now),
        },
        "isBase64Encoded": false,
    });
    // API Gateway leaves out what is empty.
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !parameters.is_empty() {
        event["pathParameters"] = json!(parameters);
    }
    if !body.is_empty() {
        let text = text(&parts.headers, body);
        event["isBase64Encoded"] = json!(text.is_none());
        event["body"] = json!(text.map_or_else(|| BASE64_STANDARD.encode(body), ToOwned::to_owned));
    }
    event
}

/// Names in lower case, values of the same name joined with commas, and what the gateway adds.
fn headers(sent: &HeaderMap, host: &str, source: SocketAddr) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in sent.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        headers
            .entry(name.to_string())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    headers.insert("x-forwarded-for".into(), source.ip().to_string());
    headers.insert("x-forwarded-port".into(), port.into());
    headers.insert("x-forwarded-proto".into(), "http".into());
    headers
}

/// The body, where API Gateway would pass it on as text.
fn text<'a>(headers: &HeaderMap, body: &'a Bytes) -> Option<&'a str> {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("xml")
        || kind.ends_with("javascript");
    std::str::from_utf8(body).ok().filter(|_| is_text)
}

/// Decoded, values of the same name joined with commas.
fn query(uri: &Uri) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut query: BTreeMap<String, String> = BTreeMap::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        query
            .entry(decode(name))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    query
}

fn response(answer: ApiGatewayV2httpResponse, id: &str) -> Response {
    let body = match answer.body.unwrap_or_default() {
        lambda_http::Body::Text(text) if answer.is_base64_encoded => {
            BASE64_STANDARD.decode(text).map(Body::from).unwrap_or_default()
        }
        lambda_http::Body::Text(text) => Body::from(text),
        lambda_http::Body::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    let mut response = Response::new(body);
    let status = u16::try_from(answer.status_code).ok().and_then(|status| StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    let own = HeaderName::from_static("apigw-requestid");
    response.headers_mut().extend(HeaderValue::from_str(id).ok().map(|id| (own, id)));
    response
}

/// An answer of the gateway's own, without the service's envelope, as from the real one.
fn refusal(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn millis(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
