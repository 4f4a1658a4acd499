use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error,
    future::poll_fn,
    mem,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::HeaderMap,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::OnceCell,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        CipherSuite, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{Background, listen};

/// DynamoDB as a function sees it: behind TLS, with a delay. It passes requests on to an engine that speaks
/// plain HTTP.
#[derive(Debug)]
pub struct Database {
    url: String,
    plain_address: String,
    root: String,
    engine: Arc<Engine>,
    _serving: [Background; 2],
}

/// The answer to a query, once there is one.
type Known = Arc<OnceCell<Bytes>>;

#[derive(Debug)]
struct Engine {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
    latency: Option<Duration>,
    known: Mutex<HashMap<(String, Value), Known>>,
    served: Mutex<Served>,
}

/// What was asked of the database.
#[derive(Clone, Debug, Default)]
pub struct Served {
    pub connections: usize,
    /// What was computed for TLS handshakes, without waiting for the client.
    pub handshakes: Duration,
    /// In order.
    pub calls: Vec<Call>,
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    /// From when it was there until its answer was to be sent.
    pub took: Duration,
    pub answered: Instant,
    /// Those of the answer's body.
    pub bytes: usize,
}

impl Served {
    pub fn operations(&self) -> Vec<String> {
        self.calls.iter().map(|call| call.operation.clone()).collect()
    }

    /// What all handshakes and calls took, together.
    pub fn took(&self) -> Duration {
        self.handshakes + self.calls.iter().map(|call| call.took).sum::<Duration>()
    }

    /// The bytes of all answers.
    pub fn bytes(&self) -> usize {
        self.calls.iter().map(|call| call.bytes).sum()
    }
}

impl Database {
    /// One that passes on what it is asked.
    pub async fn start(engine: &str) -> Self {
        Self::with(engine, None).await
    }

    /// One that answers after `latency`. What is read twice with no write in between comes from
    /// memory the second time, so that the engine's own time does not show.
    pub async fn with_latency(engine: &str, latency: Duration) -> Self {
        Self::with(engine, Some(latency)).await
    }

    async fn with(engine: &str, latency: Option<Duration>) -> Self {
        let engine = Arc::new(Engine {
            url: engine.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            latency,
            known: Mutex::default(),
            served: Mutex::default(),
        });
        let (root, acceptor) = certificates();
        let (listener, address) = listen().await;
        let (_, port) = address.rsplit_once(':').unwrap();
        let url = format!("https://localhost:{port}");
        let behind = engine.clone();
        let tls = serve(listener, move |stream| {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            async move {
                let (accepted, computed) = computing(acceptor.accept(stream)).await;
                behind.served.lock().unwrap().handshakes += computed;
                // A client that trusts others ends the handshake.
                let Ok(stream) = accepted else { return };
                behind.serve(stream).await;
            }
        });
        let (listener, plain_address) = listen().await;
        let behind = engine.clone();
        let plain = serve(listener, move |stream| {
            let behind = behind.clone();
            async move { behind.serve(stream).await }
        });
        Self { url, plain_address, root, engine, _serving: [tls, plain] }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it speaks plain HTTP: host and port.
    pub fn plain_address(&self) -> &str {
        &self.plain_address
    }

    /// The root certificate that clients have to trust, as PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// What has been asked since this was called last.
    pub fn served(&self) -> Served {
        mem::take(&mut self.engine.served.lock().unwrap())
    }
}

fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    connected: impl Fn(TcpStream) -> F + Send + 'static,
) -> Background {
    Background(tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(connected(stream));
        }
    }))
}

/// What a future resolves to, and for how long it was polled.
async fn computing<F: Future>(future: F) -> (F::Output, Duration) {
    let (mut future, mut computed) = (pin!(future), Duration::ZERO);
    let output = poll_fn(|context| {
        let polled = Instant::now();
        let polling = future.as_mut().poll(context);
        computed += polled.elapsed();
        polling
    });
    let output = output.await;
    (output, computed)
}

impl Engine {
    async fn serve(self: &Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        self.served.lock().unwrap().connections += 1;
        let service = service_fn(|request| self.answer(request));
        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return Ok(unavailable()) };
        let asked = Instant::now();
        let target = head.headers.get("x-amz-target").unwrap().to_str().unwrap().to_owned();
        let (_, operation) = target.rsplit_once('.').unwrap();
        let (engine, asked_for) = (self.clone(), operation.to_owned());
        // A client that stops waiting does not stop the engine, and finds the answer when it asks again.
        let looking_up =
            tokio::spawn(async move { engine.look_up(&asked_for, head.headers, body.to_bytes()).await });
        let answered = looking_up.await.unwrap();
        if let Some(latency) = self.latency {
            tokio::time::sleep_until((asked + latency).into()).await;
        }
        let now = Instant::now();
        self.served.lock().unwrap().calls.push(Call {
            operation: operation.to_owned(),
            took: now - asked,
            answered: now,
            bytes: answered.as_ref().map_or(0, |(_, answer)| answer.len()),
        });
        let Some((status, answer)) = answered else { return Ok(unavailable()) };
        let mut response = Response::new(Full::new(answer));
        *response.status_mut() = status;
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0".parse().unwrap());
        Ok(response)
    }

    async fn look_up(&self, operation: &str, headers: HeaderMap, body: Bytes) -> Option<(StatusCode, Bytes)> {
        if self.latency.is_none() || !["GetItem", "Query"].contains(&operation) {
            let answered = self.ask(headers, body).await;
            self.known.lock().unwrap().clear();
            return answered.ok();
        }
        // The SDK writes the members of a key in any order.
        let asked: Value = serde_json::from_slice(&body).ok()?;
        let known = self.known.lock().unwrap().entry((operation.to_owned(), asked)).or_default().clone();
        // Who asks the same meanwhile waits for the same answer: a repetition adds nothing to the engine's work.
        let asking = known.get_or_try_init(|| async {
            match self.ask(headers, body).await {
                Ok((StatusCode::OK, answer)) => Ok(answer),
                refused => Err(refused.ok()),
            }
        });
        match asking.await {
            Ok(answer) => Some((StatusCode::OK, answer.clone())),
            Err(refused) => refused,
        }
    }

    async fn ask(
        &self,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
        let mut request = Request::post(self.url.parse::<Uri>().unwrap()).body(Full::new(body)).unwrap();
        *request.headers_mut() = headers;
        request.headers_mut().remove("host");
        let answer = self.client.request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

fn unavailable() -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// A root, and TLS with a certificate of `localhost` that it signed. Like DynamoDB, it doesn't offer
/// HTTP/2; like AWS's TLS library, s2n, it prefers AES-128.
fn certificates() -> (String, TlsAcceptor) {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "Emulated root");
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    let leaf = leaf.signed_by(&key, &root).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (root.pem(), TlsAcceptor::from(Arc::new(config)))
}
