//! From an event of API Gateway's to a request.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use lambda_http::{RequestExt, http::header::HOST, request::LambdaRequest};

use super::Request;

/// The query as the caller sent it.
#[derive(Clone)]
pub(super) struct RawQuery(pub String);

/// The body is not in the Base64 that the event says it is in.
#[derive(Clone)]
pub(super) struct UndecodableBody;

/// The request in an event.
///
/// `lambda_http` makes a URL of `Host`, path and query, and panics where what the caller wrote is none, or
/// where a body is not Base64. So it gets none of that: the path is for [`RequestExt::raw_http_path`], the query
/// and a faulty body are refused by whoever reads them, after the API key has been looked at. Nothing reads `Host`.
pub(crate) fn request_of(event: LambdaRequest) -> Request {
    let LambdaRequest::ApiGatewayV2(mut event) = event else { return Request::from(event) };
    let query = event.raw_query_string.take();
    let path = event.raw_path.replace("/".to_owned()).unwrap_or_default();
    event.request_context.domain_name = None;
    event.headers.remove(HOST);
    let undecodable = event.is_base64_encoded
        && event.body.as_ref().is_some_and(|body| BASE64_STANDARD.decode(body).is_err());
    if undecodable {
        event.body = None;
    }
    let mut request = Request::from(LambdaRequest::ApiGatewayV2(event)).with_raw_http_path(path);
    if let Some(query) = query {
        request.extensions_mut().insert(RawQuery(query));
    }
    if undecodable {
        request.extensions_mut().insert(UndecodableBody);
    }
    request
}
