//! How a server is told from others that may answer in its place: it keeps a random identity, made at its start,
//! where everybody who reaches its DynamoDB endpoint can read it.

use std::{error::Error, fmt};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    },
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use shared::store::client::{RootCertStore, http_client};
use uuid::Uuid;

use super::{client, client_config, error::StartError};

/// A table of the local engine alone.
const TABLE: &str = "customers-categories-server";
const KEY: &str = "name";
const NAME: &str = "identity";
const VALUE: &str = "value";

/// Whether the server forgets its data at its end.
const IN_MEMORY: &str = "in_memory";

/// Why a server has not proven to be the one that is meant.
#[derive(Debug)]
pub enum Unproven {
    /// Nobody answers.
    Silent(Box<dyn Error + Send + Sync>),
    /// Somebody is there, but busy, or stopped.
    Busy,
    /// Whoever answers is no server of this program, or another one.
    Stranger,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent(_) => "nobody answers there",
            Self::Busy => "it does not answer in time; where it is busy, try again later",
            Self::Stranger => "another server answers there",
        })
    }
}

impl Error for Unproven {}

/// Has an engine show a new identity, and whether it keeps its data in memory. Returns the identity.
///
/// # Errors
/// [`StartError::Engine`].
pub async fn publish(engine: &Client, in_memory: bool) -> Result<Uuid, StartError> {
    let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash).build();
    let attribute =
        AttributeDefinition::builder().attribute_name(KEY).attribute_type(ScalarAttributeType::S).build();
    let created = engine
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key.map_err(StartError::engine)?)
        .attribute_definitions(attribute.map_err(StartError::engine)?)
        .send()
        .await;
    match created {
        Err(SdkError::ServiceError(error))
            if matches!(error.err(), CreateTableError::ResourceInUseException(_)) => {}
        created => drop(created.map_err(StartError::engine)?),
    }
    let identity = Uuid::now_v7();
    engine
        .put_item()
        .table_name(TABLE)
        .item(KEY, AttributeValue::S(NAME.to_owned()))
        .item(VALUE, AttributeValue::S(identity.to_string()))
        .item(IN_MEMORY, AttributeValue::Bool(in_memory))
        .send()
        .await
        .map_err(StartError::engine)?;
    Ok(identity)
}

/// The identity of the server at an endpoint.
///
/// # Errors
/// [`Unproven`].
pub async fn of(endpoint: String) -> Result<Uuid, Unproven> {
    ask(&client(endpoint)).await.map(|shown| shown.identity)
}

/// The identity of the server at an endpoint, which has to keep its data in memory; `None` where it doesn't.
///
/// # Errors
/// [`Unproven`].
pub async fn of_memory(endpoint: String) -> Result<Option<Uuid>, Unproven> {
    ask(&client(endpoint)).await.map(|shown| shown.in_memory.then_some(shown.identity))
}

/// What a server shows of itself.
struct Shown {
    identity: Uuid,
    in_memory: bool,
}

async fn ask(client: &Client) -> Result<Shown, Unproven> {
    let asked = client
        .get_item()
        .table_name(TABLE)
        .key(KEY, AttributeValue::S(NAME.to_owned()))
        .consistent_read(true)
        .send()
        .await;
    let item = match asked {
        Ok(answer) => answer.item,
        Err(SdkError::ServiceError(_) | SdkError::ResponseError(_)) => None,
        Err(SdkError::TimeoutError(_)) => return Err(Unproven::Busy),
        Err(error) => return Err(Unproven::Silent(Box::new(error))),
    };
    let shown = item.and_then(|item| {
        let identity = Uuid::try_parse(item.get(VALUE)?.as_s().ok()?).ok()?;
        let in_memory = item.get(IN_MEMORY).and_then(|shown| shown.as_bool().ok()).copied();
        Some(Shown { identity, in_memory: in_memory.unwrap_or_default() })
    });
    shown.ok_or(Unproven::Stranger)
}

/// A client that has the server at an endpoint prove its identity before each request, because the server may end
/// amid a command, and another take its port.
#[must_use]
pub fn proving_client(endpoint: String, identity: Uuid) -> Client {
    let asking = client(endpoint.clone());
    let stack = http_client(RootCertStore::empty());
    let proving = http_client_fn(move |settings, components| {
        let connector = stack.http_connector(settings, components);
        SharedHttpConnector::new(Proving { asking: asking.clone(), identity, connector })
    });
    Client::from_conf(client_config(endpoint).http_client(proving).build())
}

#[derive(Debug)]
struct Proving {
    asking: Client,
    identity: Uuid,
    connector: SharedHttpConnector,
}

impl HttpConnector for Proving {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (asking, identity, connector) = (self.asking.clone(), self.identity, self.connector.clone());
        HttpConnectorFuture::new(async move {
            match ask(&asking).await {
                Ok(found) if found.identity == identity => connector.call(request).await,
                Ok(_) => Err(ConnectorError::user(Box::new(Unproven::Stranger))),
                Err(unproven) => Err(ConnectorError::user(Box::new(unproven))),
            }
        })
    }
}
