//! The tables themselves. Only the local server and tests create them; a deployed stack's come
//! from `template.yaml`.

use std::time::Duration;

use aws_sdk_dynamodb::{
    client::Waiters,
    error::SdkError,
    operation::create_table::CreateTableError,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
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
        self.create_table(&self.tables.keys, &[(api_keys::PARTITION_KEY, KeyType::Hash)]).await
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
