//! The environment's variables, read once at the start. Nothing else in this crate reads them.

use std::env;

/// Where errors are documented unless `DOCS_URL` says otherwise: on the API's own host.
const DEFAULT_DOCS_URL: &str = "/docs";

/// Each names a file of root certificates, the first before the second, as in AWS's other SDKs.
const CA_BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// What a function needs to know before its first request.
#[derive(Clone)]
pub struct Config {
    /// `CATEGORIES_TABLE`: the name of the table of categories and their history.
    pub categories_table: String,
    /// `KEYS_TABLE`: the name of the table of API keys.
    pub keys_table: String,
    /// `AWS_REGION`, or else `AWS_DEFAULT_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, where the credentials are temporary.
    pub session_token: Option<String>,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, or else `AWS_ENDPOINT_URL`; without either, the region's endpoint.
    pub endpoint: Option<String>,
    /// The root certificates to trust in place of the usual ones.
    pub ca_bundle: Option<CaBundle>,
    /// `DOCS_URL`: where errors are documented, by default `/docs`.
    pub docs_url: String,
}

/// A file of root certificates in PEM, and the variable that names it.
#[derive(Clone, Debug)]
pub struct CaBundle {
    /// `AWS_CA_BUNDLE` or `SSL_CERT_FILE`.
    pub variable: &'static str,
    /// The file's path.
    pub path: String,
}

/// How the template's parameters and Lambda's logging configuration say to log.
#[derive(Clone, Debug)]
pub struct Logging {
    /// `LOG_LEVEL`, or else `AWS_LAMBDA_LOG_LEVEL`: the least level, empty for Lambda's default. The first leaves out
    /// lines in the function alone, the second in Lambda too.
    pub level: String,
    /// Whether `AWS_LAMBDA_LOG_FORMAT` is `JSON`; text otherwise.
    pub json: bool,
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    /// The name of a variable that is missing.
    pub fn from_env() -> Result<Self, String> {
        let region = optional("AWS_REGION").or_else(|| optional("AWS_DEFAULT_REGION"));
        Ok(Self {
            categories_table: required("CATEGORIES_TABLE")?,
            keys_table: required("KEYS_TABLE")?,
            region: region.ok_or("the environment variable AWS_REGION is not set")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
            session_token: optional("AWS_SESSION_TOKEN"),
            endpoint: optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| optional("AWS_ENDPOINT_URL")),
            ca_bundle: CaBundle::from_env(),
            docs_url: optional("DOCS_URL").unwrap_or_else(|| DEFAULT_DOCS_URL.to_owned()),
        })
    }
}

impl CaBundle {
    /// Reads the variables; there is no bundle where neither is set.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        CA_BUNDLES.into_iter().find_map(|variable| optional(variable).map(|path| Self { variable, path }))
    }
}

impl Logging {
    /// Reads the variables; each has a default.
    #[must_use]
    pub fn from_env() -> Self {
        Self {
            level: optional("LOG_LEVEL").or_else(|| optional("AWS_LAMBDA_LOG_LEVEL")).unwrap_or_default(),
            json: optional("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("JSON")),
        }
    }
}

fn required(name: &str) -> Result<String, String> {
    optional(name).ok_or_else(|| format!("the environment variable {name} is not set"))
}

/// A variable that is set to nothing counts as not set.
fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
