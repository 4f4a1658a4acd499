//! What listens on the DynamoDB port: the guard, and behind it the [engine](super::engine).

use std::io;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;
use tokio::net::TcpListener;

use super::{connections::Connections, guard::Guard};

/// The longest body that DynamoDB accepts.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Serves the engine to those whom the guard lets in, until dropped.
///
/// # Errors
/// Where the listener can't be used.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    guard: Guard,
    engine: Connections,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    axum::serve(listener, Router::new().fallback(answer).with_state((guard, engine))).await
}

/// Answers one request.
async fn answer(State((guard, engine)): State<(Guard, Connections)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(refusal) = guard.check(&parts) {
        return problem(StatusCode::FORBIDDEN, "AccessDeniedException", &refusal.to_string());
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", "the body is too long");
    };
    match engine.send(parts, body).await {
        Ok(answer) => answer.map(Body::from),
        Err(error) => {
            tracing::error!("the embedded engine failed: {error}");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "the embedded engine failed")
        }
    }
}

/// A problem as DynamoDB tells one, so that its clients show the message.
fn problem(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({ "__type": format!("com.amazon.coral.service#{kind}"), "message": message });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
