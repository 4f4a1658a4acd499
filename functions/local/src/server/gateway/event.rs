//! From an HTTP request to an event in payload format 2.0.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    body::Bytes,
    http::{HeaderMap, Uri, Version, header, request::Parts},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::StaticFormatDescription, macros::format_description};

/// The form of `requestContext.time`, which is that of the Common Log Format.
const COMMON_LOG_TIME: StaticFormatDescription =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// A request that has found its route.
pub(super) struct RoutedRequest<'a> {
    pub id: &'a str,
    pub parts: &'a Parts,
    pub body: &'a Bytes,
    /// What the `Host` header says.
    pub host: &'a str,
    /// Where the request comes from.
    pub source: SocketAddr,
    /// As API Gateway writes it, such as `GET /v4/…` or `$default`.
    pub route_key: &'a str,
    /// Percent-decoded.
    pub path_parameters: &'a BTreeMap<String, String>,
}

/// An event in payload format 2.0.
pub(super) fn event(request: &RoutedRequest<'_>) -> Value {
    let RoutedRequest { id, parts, body, host, source, route_key, path_parameters } = *request;
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
    // API Gateway decodes the path, and leaves the query as it is.
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
                "sourceIp": source.ip().to_string(),
                "userAgent": headers.get("user-agent").map_or("", String::as_str),
            },
            "requestId": id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.format(&COMMON_LOG_TIME).unwrap_or_default(),
            "timeEpoch": unix_millis(now),
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
    if !path_parameters.is_empty() {
        event["pathParameters"] = json!(path_parameters);
    }
    if !body.is_empty() {
        let text = text(&parts.headers, body);
        event["isBase64Encoded"] = json!(text.is_none());
        event["body"] = json!(text.map_or_else(|| BASE64_STANDARD.encode(body), ToOwned::to_owned));
    }
    event
}

/// The headers with names in lower case and values of the same name joined with commas, and those that the
/// gateway adds.
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

/// The body, where API Gateway would pass it on as text; `None` where it would be Base64.
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

/// The query parameters, decoded, values of the same name joined with commas.
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

/// Milliseconds since 1970.
pub(super) fn unix_millis(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
