//! The tables themselves. Only the local server and tests create them; a deployed stack's come
//! from `template.yaml`.

use std::time::Duration;

use aws_sdk_dynamodb::{
    client::Waiters,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TimeToLiveSpecification, TimeToLiveStatus,
    },
};

use super::{Store, api_keys, failure, keys};
use crate::{Error, Result};

const TABLE_READY_TIMEOUT: Duration = Duration::from_mins(2);

impl Store {
    /// Creates the tables that are missing, and waits until they can be used.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn create_tables(&self) -> Result<()> {
        let (pk, sk) = ((keys::PARTITION_KEY, KeyType::Hash), (keys::SORT_KEY, KeyType::Range));
        self.create_table(&self.tables.categories, &[pk, sk]).await?;
        self.expire_items().await?;
        self.create_table(&self.tables.keys, &[(api_keys::PARTITION_KEY, KeyType::Hash)]).await
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

    async fn create_table(&self, name: &str, key: &[(&str, KeyType)]) -> Result<()> {
        let mut request =
            self.client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
        for (attribute, kind) in key {
            let element =
                KeySchemaElement::builder().attribute_name(*attribute).key_type(kind.clone()).build();
            let definition = AttributeDefinition::builder()
                .attribute_name(*attribute)
                .attribute_type(ScalarAttributeType::S)
                .build();
            request = request
                .key_schema(element.map_err(Error::unexpected)?)
                .attribute_definitions(definition.map_err(Error::unexpected)?);
        }
        match request.send().await {
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), CreateTableError::ResourceInUseException(_)) => {}
            created => drop(created.map_err(|error| failure::error("CreateTable", error))?),
        }
        // DynamoDB takes seconds to make a table.
        let exists = self.client.wait_until_table_exists().table_name(name).wait(TABLE_READY_TIMEOUT).await;
        exists.map(drop).map_err(Error::unexpected)
    }
}
