//! From a function's answer to an HTTP response, and the answers that are the gateway's own.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde_json::json;

/// The header in which API Gateway tells the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

/// A function's answer, with the id that the request had.
pub(super) fn response(answer: ApiGatewayV2httpResponse, request_id: &str) -> Response {
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
    let request_id = HeaderValue::from_str(request_id).ok();
    response.headers_mut().extend(request_id.map(|request_id| (REQUEST_ID, request_id)));
    response
}

/// An answer of the gateway's own. Like API Gateway's, it has not the form of the service's errors.
pub(in super::super) fn refusal(status: StatusCode, message: &str) -> Response {
    let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
