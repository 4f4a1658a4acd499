//! What a request goes by.

use lambda_http::{RequestExt, http::HeaderName, request::RequestContext};
use uuid::Uuid;

use super::Request;
use crate::log::RequestIds;

/// The header in which a caller names a request, and that every answer carries.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_REQUEST_ID_BYTES: usize = 128;

/// The caller's name for a request counts where it is an identifier; else the gateway's does, then Lambda's,
/// and then one of our own.
pub fn request_ids(request: &Request) -> RequestIds {
    let context = request.lambda_context_ref();
    let gateways = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(gateway)) => gateway.request_id.as_deref(),
        _ => None,
    };
    let lambdas = context.map(|context| context.request_id.as_str());
    let gateway_request_id = gateways.and_then(identifier).or_else(|| lambdas.and_then(identifier));
    let gateway_request_id = gateway_request_id.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned);
    let header = request.headers().get(REQUEST_ID_HEADER).and_then(|header| header.to_str().ok());
    RequestIds {
        request_id: header.and_then(identifier).unwrap_or(&gateway_request_id).to_owned(),
        gateway_request_id,
        trace_id: context.and_then(|context| recorded_trace(context.xray_trace_id.as_deref()?)),
    }
}

fn identifier(id: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=@-".contains(&byte);
    ((1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(allowed)).then_some(id)
}

/// The trace's id out of an X-Ray header such as `Root=1-…;Parent=…;Sampled=1`. Every request has an id, but X-Ray
/// keeps only the traces that are sampled.
fn recorded_trace(header: &str) -> Option<String> {
    let mut parts = header.split(';').map(str::trim);
    let is_sampled = parts.clone().any(|part| part == "Sampled=1");
    parts.find_map(|part| part.strip_prefix("Root=")).filter(|_| is_sampled).map(ToOwned::to_owned)
}
