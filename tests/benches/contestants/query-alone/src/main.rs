//! What reading a page costs before anything is made of it: the query that `list-categories` or
//! `list-category-history` (`SORT_KEYS`: the prefix) sends, its answer received and parsed by the
//! SDK, and counted.

use std::env;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let roots = std::fs::read(env::var("AWS_CA_BUNDLE")?)?;
    let roots = TrustStore::empty().with_pem_certificate(roots);
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(env::var("AWS_ENDPOINT_URL_DYNAMODB")?)
        .credentials_provider(Credentials::new("x", "x", None, None, "environment"))
        .http_client(http);
    let client = Client::from_conf(config.build());
    let (table, prefix) = (env::var("CATEGORIES_TABLE")?, env::var("SORT_KEYS")?);
    run(service_fn(|event| count(&client, &table, &prefix, event))).await
}

async fn count(
    client: &Client,
    table: &str,
    prefix: &str,
    event: LambdaEvent<Value>,
) -> Result<Value, Error> {
    let parameters = &event.payload["pathParameters"];
    let parameter = |name: &str| parameters[name].as_str().unwrap_or_default();
    let partition = format!("{}#{}", parameter("org_id"), parameter("customer_id"));
    let answer = client
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_values(":pk", AttributeValue::S(partition))
        .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        .consistent_read(true)
        .limit(1000)
        .send()
        .await?;
    let count = answer.items().len();
    Ok(json!({ "statusCode": 200, "body": count.to_string() }))
}
