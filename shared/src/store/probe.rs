//! Whether a table is there, and is the one that is meant. No function calls any of this.

use aws_sdk_dynamodb::{error::ProvideErrorMetadata, types::AttributeValue};

use super::{Store, api_keys, failure, items::Item, keys};
use crate::Result;

/// What lies under a table's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A table with the key that it should have.
    Ours,
    /// A table with another key.
    Other,
    /// No table.
    Nothing,
    /// Whoever asks may not read single items, so nothing is known.
    Hidden,
}

impl Store {
    /// What lies under the name of the categories table.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn probe_categories(&self) -> Result<Probe> {
        let nobody = [keys::PARTITION_KEY, keys::SORT_KEY];
        self.probe(&self.tables.categories, &nobody).await
    }

    /// What lies under the name of the table of API keys.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn probe_keys(&self) -> Result<Probe> {
        self.probe(&self.tables.keys, &[api_keys::PARTITION_KEY]).await
    }

    /// Asks for an item that there is not.
    async fn probe(&self, table: &str, key: &[&str]) -> Result<Probe> {
        let key: Item =
            key.iter().map(|name| ((*name).to_owned(), AttributeValue::S("none".into()))).collect();
        let asked = self.client.get_item().table_name(table).set_key(Some(key)).send().await;
        let Err(error) = asked else { return Ok(Probe::Ours) };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        match code {
            Some("ResourceNotFoundException") => Ok(Probe::Nothing),
            Some("ValidationException") => Ok(Probe::Other),
            Some("AccessDeniedException") => Ok(Probe::Hidden),
            _ => Err(failure::error("GetItem", error)),
        }
    }
}
