//! Configuration from the environment, and the SDK client made of it.

use std::{env, fs, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use lambda_http::http::Uri;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

pub use aws_smithy_http_client::tls::TrustStore;

use crate::{
    App,
    clock::Clock,
    dns::Resolver,
    log::Meter,
    store::{Store, Tables, ThrottledTransaction},
};

/// Where errors are documented unless `DOCS_URL` says otherwise: on the API's own host.
const DEFAULT_DOCS_URL: &str = "/docs";

/// The roots that AWS's endpoints lead to. Loading the platform's some 140 costs a cold start more
/// than all else of the configuration. Source: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The domain whose endpoints they are for. Partitions with certificates of other authorities (China,
/// European Sovereign Cloud) have other domains.
const AMAZONS: &str = ".amazonaws.com";

/// Each names a file of root certificates, the first before the second, as in AWS's other SDKs.
const CA_BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

impl App {
    /// An app by the environment: `CATEGORIES_TABLE`, `KEYS_TABLE`, optionally `DOCS_URL`,
    /// `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_CA_BUNDLE` or `SSL_CERT_FILE`, and what Lambda sets
    /// (region, credentials).
    ///
    /// # Errors
    /// The name of a variable that is missing or of no use.
    pub fn from_env() -> Result<Self, String> {
        let required =
            |name: &str| optional(name).ok_or_else(|| format!("the environment variable {name} is not set"));
        let tables = Tables { categories: required("CATEGORIES_TABLE")?, keys: required("KEYS_TABLE")? };
        let region = optional("AWS_REGION").or_else(|| optional("AWS_DEFAULT_REGION"));
        let region = region.ok_or("the environment variable AWS_REGION is not set")?;
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
            optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let endpoint = optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| optional("AWS_ENDPOINT_URL"));

        let trusted = trust_store(endpoint.as_deref())?;
        let config = client_config(region, endpoint, trusted).credentials_provider(credentials);
        let docs_url = optional("DOCS_URL").unwrap_or_else(|| DEFAULT_DOCS_URL.to_owned());
        let clock = Clock::default();
        Ok(Self::new(Store::new(Client::from_conf(config.build()), tables, clock.clone()), clock, docs_url))
    }
}

/// How the service talks to DynamoDB: everything but who it is. The limits are those of reads; a
/// write has its own.
///
/// # Panics
/// Where a trusted certificate can't be parsed.
#[must_use]
pub fn client_config(
    region: String,
    endpoint: Option<String>,
    trusted: TrustStore,
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
        .timeout_config(timeouts(Duration::from_secs(1), Duration::from_secs(3)))
        .retry_config(retry_config(3))
        // The credentials at hand last as long as the process.
        .identity_cache(IdentityCache::no_cache())
        .interceptor(Meter)
}

/// What a write does otherwise: DynamoDB finishes a stuck transaction when it is sent again after
/// about five seconds, so there have to be attempts after that.
pub(crate) fn write_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .timeout_config(timeouts(Duration::from_millis(1500), Duration::from_secs(9)))
        .retry_config(retry_config(6))
        .retry_classifier(ThrottledTransaction)
}

/// What opening the connection ahead of the first request does otherwise: it must not hold up the
/// start of a function whose database is away.
pub(crate) fn connect_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled())
}

/// Within a region, connecting takes milliseconds; whoever needs a second won't be there in two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A single attempt must not use up the operation: connections die while an environment is frozen.
fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// DynamoDB's own recommendation is 50 ms before the first retry; the SDK's default is a second.
fn retry_config(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(50))
}

/// The one HTTP stack: hyper and rustls with ring. The SDK's own client would make it twice, first to
/// see whether that works, and parse the roots each time.
#[must_use]
pub fn http_client(trusted: TrustStore) -> SharedHttpClient {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let mut connector =
        Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).connector_settings(settings);
    // Fails only for TLS providers other than rustls.
    if let Ok(context) = TlsContext::builder().with_trust_store(trusted).build() {
        connector = connector.tls_context(context);
    }
    let connector = SharedHttpConnector::new(connector.build_with_resolver(Resolver::default()));
    http_client_fn(move |_, _| connector.clone())
}

/// The file that the environment names; else Amazon's roots where the endpoint is Amazon's; else the
/// platform's.
fn trust_store(endpoint: Option<&str>) -> Result<TrustStore, String> {
    for name in CA_BUNDLES {
        let Some(path) = optional(name) else { continue };
        let bundle = fs::read(&path).map_err(|error| error.to_string());
        let bundle = bundle.and_then(|pem| parsable(&pem).map(|()| pem));
        let bundle = bundle.map_err(|error| format!("the file {path}, named by {name}: {error}"))?;
        return Ok(TrustStore::empty().with_pem_certificate(bundle));
    }
    Ok(if endpoint.is_some_and(is_amazons) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    })
}

fn is_amazons(endpoint: &str) -> bool {
    let url = endpoint.parse::<Uri>().ok();
    url.is_some_and(|url| url.host().is_some_and(|host| host.ends_with(AMAZONS)))
}

/// The SDK panics over a certificate that it can't parse.
fn parsable(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("{error:?}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(()) }
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KeyHash;

    /// SHA-256 of the certificates that Amazon's repository publishes.
    const FINGERPRINTS: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn an_endpoint_of_amazons_is_known_by_its_domain() {
        for url in
            ["https://dynamodb.eu-central-1.amazonaws.com", "https://dynamodb.us-gov-west-1.amazonaws.com/"]
        {
            assert!(is_amazons(url), "{url}");
        }
        for url in [
            "https://dynamodb.cn-north-1.amazonaws.com.cn",
            "https://dynamodb.eusc-de-east-1.amazonaws.eu",
            "https://example.com/.amazonaws.com",
            "http://127.0.0.1:8000",
            "not a URL",
        ] {
            assert!(!is_amazons(url), "{url}");
        }
    }

    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
        parsable(AMAZON_ROOTS).unwrap();
        let found = CertificateDer::pem_slice_iter(AMAZON_ROOTS)
            .map(|certificate| KeyHash::of(&certificate.unwrap()).as_str().to_owned());
        assert_eq!(found.collect::<Vec<_>>(), FINGERPRINTS);
    }
}
