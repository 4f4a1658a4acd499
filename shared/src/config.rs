//! Configuration from the environment, and the SDK client made of it.

use std::{env, time::Duration};

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::{App, clock::Clock, log::Meter, store::Store, store::Tables};

/// Where errors are documented unless `DOCS_URL` says otherwise: on the API's own host.
const DEFAULT_DOCS_URL: &str = "/docs";

impl App {
    /// An app by the environment: `CATEGORIES_TABLE`, `KEYS_TABLE`, optionally `DOCS_URL` and
    /// `AWS_ENDPOINT_URL_DYNAMODB`, and what Lambda sets (region, credentials).
    ///
    /// # Errors
    /// The name of a variable that is missing.
    pub fn from_env() -> Result<Self, String> {
        let required =
            |name: &str| optional(name).ok_or_else(|| format!("the environment variable {name} is not set"));
        let tables = Tables { categories: required("CATEGORIES_TABLE")?, keys: required("KEYS_TABLE")? };
        let region = optional("AWS_REGION").or_else(|| optional("AWS_DEFAULT_REGION"));
        let region = region.ok_or("the environment variable AWS_REGION is not set")?;
        let endpoint = optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| optional("AWS_ENDPOINT_URL"));

        let config = client_config(region, endpoint)
            .credentials_provider(EnvironmentVariableCredentialsProvider::new());
        let docs_url = optional("DOCS_URL").unwrap_or_else(|| DEFAULT_DOCS_URL.to_owned());
        let clock = Clock::default();
        Ok(Self::new(Store::new(Client::from_conf(config.build()), tables, clock.clone()), clock, docs_url))
    }
}

/// How the service talks to DynamoDB: everything but who it is. The limits are those of reads; a
/// write has its own.
#[must_use]
pub fn client_config(region: String, endpoint: Option<String>) -> aws_sdk_dynamodb::config::Builder {
    // An environment serves one request at a time, whose attempts and time are bounded. A budget of
    // retries over all requests would only let one outage starve the requests after it.
    let retries =
        RetryPartition::custom("customers-categories").token_bucket(TokenBucket::unlimited()).build();
    let mut config = aws_sdk_dynamodb::Config::builder();
    config.set_endpoint_url(endpoint);
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .http_client(http_client())
        .retry_partition(retries)
        // Answers are a few KB and arrive at once; the timeouts below are enough.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts(Duration::from_secs(1), Duration::from_secs(3)))
        .retry_config(retry_config(3))
        .interceptor(Meter)
}

/// What a write does otherwise: DynamoDB finishes a stuck transaction when it is sent again after
/// about five seconds, so there have to be attempts after that.
pub(crate) fn write_config() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .timeout_config(timeouts(Duration::from_millis(1500), Duration::from_secs(9)))
        .retry_config(retry_config(6))
}

/// Connecting within a region takes milliseconds; whoever needs a second won't be there in two. A
/// single attempt must not use up the operation: connections die while an environment is frozen.
fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// DynamoDB's own recommendation is 50 ms before the first retry; the SDK's default is a second.
fn retry_config(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(50))
}

/// The one HTTP stack: hyper and rustls with ring.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
