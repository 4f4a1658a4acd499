//! How requests reach the database: HTTP/1.1, over TLS where the endpoint has it. DynamoDB speaks no HTTP/2, and the
//! SDK's own client can't be had without: that would be a tenth of a function's code.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{CaptureConnection, Connect, HttpInfo, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use lambda_http::http::{Extensions, Uri};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{error::Elapsed, timeout};
use tower::ServiceExt;

use super::dns::Resolver;

/// Within a region, connecting takes milliseconds. A connect slower than a second, TLS included, will not succeed
/// by waiting longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

type BoxError = Box<dyn StdError + Send + Sync>;

/// What sends the SDK's requests. Connections are kept for 90 s after their last one.
#[derive(Debug)]
struct Connector<C>(Client<C, SdkBody>);

/// A connector that trusts whom these roots have certified.
pub fn connector(trusted: RootCertStore) -> SharedHttpConnector {
    let mut tcp = legacy::connect::HttpConnector::new_with_resolver(Resolver::default());
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let https = HttpsConnector::from((tcp, tls(trusted)));
    let connect = tower::service_fn(move |endpoint: Uri| {
        let connecting = timeout(CONNECT_TIMEOUT, https.clone().oneshot(endpoint));
        Box::pin(async move { connecting.await.map_err(BoxError::from)? })
    });
    let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connect);
    SharedHttpConnector::new(Connector(client))
}

#[expect(clippy::expect_used, reason = "ring has cipher suites for both versions of TLS")]
fn tls(trusted: RootCertStore) -> ClientConfig {
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    versions.expect("versions of TLS").with_root_certificates(trusted).with_no_client_auth()
}

impl<C: Connect + Clone + std::fmt::Debug + Send + Sync + 'static> HttpConnector for Connector<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        // Asked by the SDK where an attempt failed, so that the next one takes another connection.
        let used = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || connection(&used));
        }
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| classified(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The connection that a request took, if it has come to one.
fn connection(used: &CaptureConnection) -> Option<ConnectionMetadata> {
    let mut extras = Extensions::new();
    used.connection_metadata().as_ref()?.get_extras(&mut extras);
    let ends = extras.get::<HttpInfo>();
    let used = used.clone();
    let mut connection = ConnectionMetadata::builder().proxied(false).poison_fn(move || {
        if let Some(connection) = used.connection_metadata().as_ref() {
            connection.poison();
        }
    });
    connection
        .set_local_addr(ends.map(HttpInfo::local_addr))
        .set_remote_addr(ends.map(HttpInfo::remote_addr));
    Some(connection.build())
}

/// What the SDK has to know to decide whether another attempt makes sense.
fn classified(error: BoxError) -> ConnectorError {
    if source::<Elapsed>(error.as_ref()).is_some() {
        return ConnectorError::timeout(error);
    }
    let of_hyper = source::<hyper::Error>(error.as_ref());
    if of_hyper.is_some_and(hyper::Error::is_incomplete_message) {
        return ConnectorError::other(error, Some(ErrorKind::TransientError));
    }
    let is_cut = of_hyper.is_some_and(|error| error.is_closed() || error.is_canceled());
    let is_connect = source::<legacy::Error>(error.as_ref()).is_some_and(legacy::Error::is_connect);
    if is_cut || is_connect || source::<io::Error>(error.as_ref()).is_some() {
        return ConnectorError::io(error);
    }
    if of_hyper.is_some_and(hyper::Error::is_user) {
        return ConnectorError::user(error);
    }
    ConnectorError::other(error, None)
}

/// The first error of a kind among an error and its causes.
fn source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}
