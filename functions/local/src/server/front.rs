//! What listens on the DynamoDB port: the guard, and behind it the [engine](super::engine).

use std::io;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use tokio::net::TcpListener;

use super::{
    connections::{Connections, problem},
    guard::Guard,
};

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
    let answer = if let Err(refusal) = guard.check(&parts) {
        problem(StatusCode::FORBIDDEN, "AccessDeniedException", &refusal.to_string())
    } else if let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        engine.send(parts, body).await.unwrap_or_else(|error| {
            tracing::error!("the embedded engine failed: {error}");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "the embedded engine failed")
        })
    } else {
        problem(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", "the body is too long")
    };
    answer.map(Body::from)
}
