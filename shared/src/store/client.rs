//! The client that talks to DynamoDB: its limits, its one HTTP stack, and whom it trusts.

use std::{net::IpAddr, time::Duration};

use aws_runtime::{
    invocation_id::InvocationIdInterceptor, request_info::RequestInfoInterceptor,
    user_agent::UserAgentInterceptor,
};
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, ConfigBag, Credentials, IdentityCache, Intercept, Region,
        StalledStreamProtectionConfig,
        interceptors::BeforeSerializationInterceptorContextRef,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::{
    http::{SharedHttpClient, http_client_fn},
    interceptors::disable_interceptor,
};
use lambda_http::http::Uri;

pub use super::roots::trusted as trusted_roots;
pub use rustls::RootCertStore;

use super::{connector::connector, failure::ThrottledTransaction};
use crate::{config::Config, log::Meter};

/// The endings of names that no public domain has, so no endpoint of AWS's in any partition either.
const LOCAL_NAMES: [&str; 2] = [".localhost", ".internal"];

/// The longest that a read takes, all attempts together.
pub const READ_DEADLINE: Duration = Duration::from_secs(3);

/// A client for the environment's endpoint, region and credentials.
///
/// # Errors
/// Where the file of root certificates that the environment names is of no use.
pub fn from_config(config: &Config) -> Result<Client, String> {
    let trusted = trusted_roots(config.endpoint.as_deref(), config.ca_bundle.as_ref())?;
    let credentials = Credentials::new(
        config.access_key_id.clone(),
        config.secret_access_key.clone(),
        config.session_token.clone(),
        None,
        "environment",
    );
    let client = client_config(config.region.clone(), config.endpoint.clone(), trusted);
    Ok(Client::from_conf(client.credentials_provider(credentials).build()))
}

/// How the service talks to DynamoDB: everything but who it is. The limits are those of reads; a
/// write has its own.
#[must_use]
pub fn client_config(
    region: String,
    endpoint: Option<String>,
    trusted: RootCertStore,
) -> aws_sdk_dynamodb::config::Builder {
    // An environment serves one request at a time, whose attempts and time are bounded. A budget of
    // retries over all requests would only let one outage starve the requests after it.
    let retries =
        RetryPartition::custom("customers-categories").token_bucket(TokenBucket::unlimited()).build();
    let mut config = aws_sdk_dynamodb::Config::builder();
    config.set_endpoint_url(endpoint);
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .http_client(http_client(trusted))
        .retry_partition(retries)
        // Answers are a few KB and arrive at once; the timeouts below are enough.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts(Duration::from_secs(1), READ_DEADLINE))
        .retry_config(retry_config(3))
        // The credentials at hand last as long as the process.
        .identity_cache(IdentityCache::no_cache())
        .interceptor(Meter)
        .interceptor(WithoutStatistics)
}

/// Leaves out the headers in which the SDK tells AWS of itself and of its attempts. DynamoDB acts on none of them, and a
/// twelfth of a warm request's instructions went into making, signing and sending them.
#[derive(Debug)]
struct WithoutStatistics;

impl Intercept for WithoutStatistics {
    fn name(&self) -> &'static str {
        "WithoutStatistics"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let why = "nobody reads it";
        bag.interceptor_state()
            .store_put(disable_interceptor::<UserAgentInterceptor>(why))
            .store_put(disable_interceptor::<InvocationIdInterceptor>(why))
            .store_put(disable_interceptor::<RequestInfoInterceptor>(why));
        Ok(())
    }
}

/// What a write does otherwise: DynamoDB finishes a stuck transaction when it is sent again after
/// about five seconds, so there have to be attempts after that.
pub(crate) fn write_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .timeout_config(timeouts(Duration::from_millis(1500), Duration::from_secs(9)))
        .retry_config(retry_config(6))
        .retry_classifier(ThrottledTransaction)
}

/// What reading a whole table does otherwise: nobody waits for its answer but an operator, and a page that the filter
/// leaves nothing of takes as long as a full one.
pub(crate) fn scan_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .timeout_config(timeouts(Duration::from_secs(20), Duration::from_mins(1)))
}

/// What opening the connection ahead of the first request does otherwise: it must not hold up the
/// start of a function whose database is away.
pub(crate) fn connect_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled())
}

/// A single attempt must not use up the operation: connections die while an environment is frozen.
fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation).build()
}

/// DynamoDB's own recommendation is 50 ms before the first retry; the SDK's default is a second.
fn retry_config(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(50))
}

/// The one HTTP stack, which all clients that come of it share.
#[must_use]
pub fn http_client(trusted: RootCertStore) -> SharedHttpClient {
    let connector = connector(trusted);
    http_client_fn(move |_, _| connector.clone())
}

/// Whether a database can only be a local one: its host is an IP address, a name without a domain, as containers
/// have, or in a domain that is not public. What is of AWS has a public domain.
pub(crate) fn is_local(endpoint: &str) -> bool {
    let url = endpoint.parse::<Uri>().ok();
    url.as_ref().and_then(Uri::host).is_some_and(|host| {
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        is_address || !host.contains('.') || LOCAL_NAMES.iter().any(|ending| host.ends_with(ending))
    })
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
        orchestrator::HttpRequest,
        result::ConnectorError,
    };

    use super::*;

    /// The names of the headers that were to be sent.
    #[derive(Clone, Debug, Default)]
    struct Headers(Arc<Mutex<BTreeSet<String>>>);

    impl HttpConnector for Headers {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let names = request.headers().iter().map(|(name, _)| name.to_owned());
            self.0.lock().unwrap().extend(names);
            HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is there".into())))
        }
    }

    #[tokio::test]
    async fn a_request_has_no_headers_but_those_that_dynamodb_acts_on() {
        let headers = Headers::default();
        let connector = SharedHttpConnector::new(headers.clone());
        let config = client_config("eu-central-1".into(), None, RootCertStore::empty())
            .credentials_provider(Credentials::new("id", "secret", Some("token".into()), None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()));
        let get = Client::from_conf(config.build()).get_item().table_name("table");
        get.key("pk", AttributeValue::S("key".into())).send().await.unwrap_err();
        let needed = [
            "authorization",
            "content-length",
            "content-type",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-target",
        ];
        assert_eq!(*headers.0.lock().unwrap(), BTreeSet::from(needed.map(ToOwned::to_owned)));
    }

    #[test]
    fn a_local_database_is_known_by_a_host_that_is_in_no_public_domain() {
        for url in [
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "http://172.17.0.1:8000/",
            "https://localhost:8443",
            "http://dynamodb:8000",
            "http://host.docker.internal:8000",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "https://dynamodb.eu-central-1.amazonaws.com",
            "http://dynamodb.eu-central-1.amazonaws.com",
            "https://dynamodb.cn-north-1.amazonaws.com.cn",
            "https://dynamodb.eusc-de-east-1.amazonaws.eu",
            "https://dynamodb.us-iso-east-1.c2s.ic.gov",
            "https://vpce-1-2.dynamodb.eu-central-1.vpce.amazonaws.com",
            "https://dynamodb.eu-central-1.api.aws",
            "https://localhost.example.com",
            "not a URL",
            "",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }
}
