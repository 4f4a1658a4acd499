//! Configuration from the environment, and the SDK client made of it.

use std::{env, time::Duration};

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::{App, clock::Clock, store::Store, store::Tables};

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

/// How the service talks to DynamoDB: everything but who it is.
#[must_use]
pub fn client_config(region: String, endpoint: Option<String>) -> aws_sdk_dynamodb::config::Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(1500))
        .operation_timeout(Duration::from_secs(9))
        .build();
    let retries =
        RetryConfig::standard().with_max_attempts(6).with_initial_backoff(Duration::from_millis(50));
    let mut config = aws_sdk_dynamodb::Config::builder();
    config.set_endpoint_url(endpoint);
    config
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .http_client(http_client())
        .timeout_config(timeouts)
        .retry_config(retries)
}

/// The one HTTP stack: hyper and rustls with ring.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
