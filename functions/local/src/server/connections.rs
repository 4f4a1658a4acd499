//! Connections to the engine's own HTTP server.
//!
//! That server serves whoever reaches its TCP listener, so no listener stays open. For each connection one is bound
//! to a free port of 127.0.0.1, we connect, and once the engine has answered, the listener is closed. The connection
//! stays and is used again.

use std::{error::Error, fmt, future, net::TcpListener, sync::Arc};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header,
        request::Parts,
    },
};
use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::TcpStream,
    sync::{Mutex, Semaphore, mpsc, oneshot},
};

use super::{
    engine::{self, ANY_LOCAL_PORT},
    tokens::{Tokens, Transaction},
};

/// Connections at once. The engine does one thing at a time: it works on one, and the others have the next request
/// ready for it.
const MAX_CONNECTIONS: usize = 8;

/// Headers that are about a connection rather than about what is sent on it.
const OF_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why the engine does not answer.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

type Connection = SendRequest<Full<Bytes>>;

/// A listener that the engine is to accept connections on.
pub(super) struct Accept {
    listener: TcpListener,
    /// Ends it.
    enough: oneshot::Receiver<()>,
    /// Dropped once the listener is closed.
    closed: oneshot::Sender<()>,
}

/// Up to [`MAX_CONNECTIONS`] connections to one engine, of one caller of it.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Arc<Pool>,
    tokens: Tokens,
}

struct Pool {
    engine: mpsc::UnboundedSender<Accept>,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// The engine's side: serves the database to those who connect to the listeners that come in.
pub(super) async fn serve(database: Database, mut listeners: mpsc::UnboundedReceiver<Accept>) {
    while let Some(Accept { listener, enough, closed }) = listeners.recv().await {
        let database = database.clone();
        // Dropped, this accepts no more and goes on serving what it has accepted. `serve_on` would not go on.
        let accept = async {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            dynoxide::server::serve_with_shutdown(listener, database, future::pending()).await
        };
        tokio::spawn(async move {
            tokio::select! {
                _ = enough => {}
                Err(error) = accept => tracing::error!("the embedded engine failed: {error}"),
            }
            drop(closed);
        });
    }
}

impl Connections {
    pub(super) fn new(engine: mpsc::UnboundedSender<Accept>, tokens: Tokens) -> Self {
        let places = Semaphore::new(MAX_CONNECTIONS);
        Self { pool: Arc::new(Pool { engine, idle: Mutex::default(), places }), tokens }
    }

    /// Has the engine answer a request. Request and answer are passed on whole, so that a slow caller holds none
    /// of the connections.
    ///
    /// # Errors
    /// Where the engine has ended, or a handler of it panicked.
    pub(super) async fn send(&self, mut parts: Parts, body: Bytes) -> Result<Response<Bytes>, Failure> {
        let pool = self.pool.clone();
        let Some(transaction) = Transaction::in_request(&parts.headers, &body) else {
            return pool.send(parts, body).await;
        };
        parts.headers.remove(header::CONTENT_LENGTH);
        let send = async move |body| pool.send(parts, body).await;
        Ok(self.tokens.once(transaction, send).await?.unwrap_or_else(|| {
            let message = "the ClientRequestToken is that of another transaction";
            problem(StatusCode::BAD_REQUEST, "IdempotentParameterMismatchException", message)
        }))
    }
}

impl Pool {
    async fn send(&self, parts: Parts, body: Bytes) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = parts.method;
        *request.uri_mut() = parts.uri.into_parts().path_and_query.map(Uri::from).unwrap_or_default();
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = end_to_end(parts.headers);
        // HTTP/1.1 requires one, and the engine doesn't care which.
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));

        let _place = self.places.acquire().await?;
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (parts, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.idle.lock().await.push(connection);

        let mut response = Response::new(body);
        *response.status_mut() = parts.status;
        *response.headers_mut() = end_to_end(parts.headers);
        Ok(response)
    }

    async fn idle_connection(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.lock().await.pop()?;
            if connection.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let (listener, address) = engine::bind(ANY_LOCAL_PORT)?;
        let ((end, enough), (closed, is_closed)) = (oneshot::channel(), oneshot::channel());
        self.engine.send(Accept { listener, enough, closed }).map_err(|_| "it has ended")?;

        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut connection, serving) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(serving);
        // The engine answers a GET with how it is.
        let mut request = Request::new(Full::default());
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        connection.send_request(request).await?.into_body().collect().await?;
        drop(end);
        let _dropped = is_closed.await;
        connection.ready().await?;
        Ok(connection)
    }
}

/// A problem as DynamoDB tells one, so that its clients show the message.
pub(super) fn problem(status: StatusCode, kind: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "__type": format!("com.amazon.coral.service#{kind}"), "message": message });
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in OF_CONNECTION {
        headers.remove(name);
    }
    headers
}

/// The SDK inside this program needs no guard.
impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connections = self.clone();
        let answer = async move {
            let (parts, body) = request.try_into_http1x()?.into_parts();
            let body = body.collect().await?.to_bytes();
            let (parts, body) = connections.send(parts, body).await?.into_parts();
            Ok::<_, Failure>(HttpResponse::try_from(Response::from_parts(parts, body.into()))?)
        };
        HttpConnectorFuture::new(async { answer.await.map_err(ConnectorError::io) })
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
