//! The tables themselves. Only the local server and tests create them; a deployed stack's come
//! from `template.yaml`.

use std::time::Duration;

use aws_sdk_dynamodb::{
    client::Waiters,
    error::{ProvideErrorMetadata, SdkError},
    operation::create_table::{CreateTableError, builders::CreateTableFluentBuilder},
    types::{
        AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
        GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use super::{Store, api_keys, failure, keys};
use crate::{Error, Result};

const TABLE_READY_TIMEOUT: Duration = Duration::from_mins(2);

/// The attributes of a key, all of them strings: that of the partition, and that of the order in it, if there is one.
type Key = [&'static str];

const CATEGORIES_KEY: [&str; 2] = [keys::PARTITION_KEY, keys::SORT_KEY];
const CARRIERS_KEY: [&str; 2] = [keys::CARRIERS_PARTITION_KEY, keys::CARRIERS_SORT_KEY];
const KEYS_KEY: [&str; 1] = [api_keys::PARTITION_KEY];

impl Store {
    /// Creates the tables that are missing, and waits until those can be used.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn create_tables(&self) -> Result<()> {
        let categories = &self.tables.categories;
        let request = self.client.create_table().global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(keys::CARRIERS)
                .set_key_schema(Some(key_schema(&CARRIERS_KEY)?))
                .projection(projection_of_carriers())
                .build()
                .map_err(Error::unexpected)?,
        );
        let attributes = [CATEGORIES_KEY, CARRIERS_KEY].concat();
        self.create_table(categories, request, &CATEGORIES_KEY, &attributes).await?;
        self.add_carriers().await?;
        self.expire_items().await?;
        let request = self.client.create_table();
        self.create_table(&self.tables.keys, request, &KEYS_KEY, &KEYS_KEY).await
    }

    /// Gives a table from before the index of carriers. What is carried gets its place first, so that a table that has
    /// the index has it whole, also where this was cut off.
    async fn add_carriers(&self) -> Result<()> {
        let table = &self.tables.categories;
        if self.has_carriers().await? {
            return Ok(());
        }
        tracing::info!(
            "the table is from before there was an index of carriers; what it holds is given its place"
        );
        let mut position = None;
        loop {
            position = self.reindex(position.as_ref()).await?.next;
            if position.is_none() {
                break;
            }
        }
        let index = CreateGlobalSecondaryIndexAction::builder()
            .index_name(keys::CARRIERS)
            .set_key_schema(Some(key_schema(&CARRIERS_KEY)?))
            .projection(projection_of_carriers())
            .build()
            .map_err(Error::unexpected)?;
        self.client
            .update_table()
            .table_name(table)
            .set_attribute_definitions(Some(definitions(&[CATEGORIES_KEY, CARRIERS_KEY].concat())?))
            .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(index).build())
            .send()
            .await
            .map(drop)
            .map_err(|error| failure::error("UpdateTable", error))
    }

    /// Whether the table has the index of carriers. One item of it is asked for, because the embedded engine adds up all
    /// items before it describes a table.
    async fn has_carriers(&self) -> Result<bool> {
        let request = self.client.scan().table_name(&self.tables.categories).index_name(keys::CARRIERS);
        match request.limit(1).send().await {
            Ok(_) => Ok(true),
            // The code for an index that is not there; nothing else in this request can be refused.
            Err(error) if error.code() == Some("ValidationException") => Ok(false),
            Err(error) => Err(failure::error("Scan", error)),
        }
    }

    /// Has DynamoDB delete what has expired. It may take days; what has expired counts as gone before that.
    async fn expire_items(&self) -> Result<()> {
        let table = &self.tables.categories;
        let described = self.client.describe_time_to_live().table_name(table).send().await;
        let described = described.map_err(|error| failure::error("DescribeTimeToLive", error))?;
        let status = described.time_to_live_description.and_then(|ttl| ttl.time_to_live_status);
        // Switching on what is on is refused.
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(keys::EXPIRES).build();
        let ttl = ttl.map_err(Error::unexpected)?;
        let request = self.client.update_time_to_live().table_name(table).time_to_live_specification(ttl);
        request.send().await.map(drop).map_err(|error| failure::error("UpdateTimeToLive", error))
    }

    async fn create_table(
        &self,
        name: &str,
        request: CreateTableFluentBuilder,
        key: &Key,
        attributes: &Key,
    ) -> Result<()> {
        let request = request
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(key_schema(key)?))
            .set_attribute_definitions(Some(definitions(attributes)?));
        match request.send().await {
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), CreateTableError::ResourceInUseException(_)) =>
            {
                return Ok(());
            }
            created => drop(created.map_err(|error| failure::error("CreateTable", error))?),
        }
        // DynamoDB takes seconds to make a table.
        let exists = self.client.wait_until_table_exists().table_name(name).wait(TABLE_READY_TIMEOUT).await;
        exists.map(drop).map_err(Error::unexpected)
    }
}

fn key_schema(key: &Key) -> Result<Vec<KeySchemaElement>> {
    let element = |(attribute, kind): (&&str, KeyType)| {
        KeySchemaElement::builder().attribute_name(*attribute).key_type(kind).build()
    };
    let elements = key.iter().zip([KeyType::Hash, KeyType::Range]).map(element);
    elements.collect::<Result<_, _>>().map_err(Error::unexpected)
}

fn definitions(attributes: &Key) -> Result<Vec<AttributeDefinition>> {
    let definition = |attribute: &&str| {
        let definition = AttributeDefinition::builder().attribute_name(*attribute);
        definition.attribute_type(ScalarAttributeType::S).build()
    };
    attributes.iter().map(definition).collect::<Result<_, _>>().map_err(Error::unexpected)
}

/// A change that alters neither of these attributes costs the index nothing.
fn projection_of_carriers() -> Projection {
    let attributes = keys::CARRIERS_ATTRIBUTES.map(ToOwned::to_owned).to_vec();
    Projection::builder()
        .projection_type(ProjectionType::Include)
        .set_non_key_attributes(Some(attributes))
        .build()
}
