//! The client that talks to DynamoDB: its limits, its one HTTP stack, and whom it trusts.

use std::{fs, net::IpAddr, time::Duration};

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

use super::{dns::Resolver, failure::ThrottledTransaction};
use crate::{
    config::{CaBundle, Config},
    log::Meter,
};

/// The roots that AWS's endpoints lead to. Loading the platform's some 140 costs a cold start more
/// than all else of the configuration. Source: <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The domain whose endpoints have certificates that these roots sign. Partitions with certificates of other
/// authorities (China, European Sovereign Cloud) have other domains.
const AMAZON_DOMAIN: &str = ".amazonaws.com";

/// The endings of names that no public domain has, so no endpoint of AWS's in any partition either.
const LOCAL_NAMES: [&str; 2] = [".localhost", ".internal"];

/// Within a region, connecting takes milliseconds. A connect slower than a second will not succeed by
/// waiting longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest that a read takes, all attempts together.
pub const READ_DEADLINE: Duration = Duration::from_secs(3);

/// A client for the environment's endpoint, region and credentials.
///
/// # Errors
/// Where the file of root certificates that the environment names is of no use.
pub fn from_config(config: &Config) -> Result<Client, String> {
    let trusted = trust_store(config.endpoint.as_deref(), config.ca_bundle.as_ref())?;
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
        .timeout_config(timeouts(Duration::from_secs(1), READ_DEADLINE))
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
fn trust_store(endpoint: Option<&str>, bundle: Option<&CaBundle>) -> Result<TrustStore, String> {
    if let Some(CaBundle { variable, path }) = bundle {
        let pem = fs::read(path).map_err(|error| error.to_string());
        let pem = pem.and_then(|pem| parsable(&pem).map(|()| pem));
        let pem = pem.map_err(|error| format!("the file {path}, named by {variable}: {error}"))?;
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    Ok(if endpoint.is_some_and(is_amazons) {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    } else {
        TrustStore::default()
    })
}

fn is_amazons(endpoint: &str) -> bool {
    let url = endpoint.parse::<Uri>().ok();
    url.is_some_and(|url| url.host().is_some_and(|host| host.ends_with(AMAZON_DOMAIN)))
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

/// The SDK panics over a certificate that it can't parse.
fn parsable(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("{error:?}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(()) }
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

    #[test]
    fn the_roots_are_those_that_amazon_publishes() {
        parsable(AMAZON_ROOTS).unwrap();
        let found = CertificateDer::pem_slice_iter(AMAZON_ROOTS)
            .map(|certificate| KeyHash::of(&certificate.unwrap()).as_str().to_owned());
        assert_eq!(found.collect::<Vec<_>>(), FINGERPRINTS);
    }
}
