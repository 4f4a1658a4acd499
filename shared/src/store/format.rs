//! The version of the form that the data has. No function calls any of this: it is looked at where a program opens a
//! table or a data file, and not once more with each request.

use aws_sdk_dynamodb::{error::ProvideErrorMetadata, types::AttributeValue};

use super::{Store, failure, keys};
use crate::{Error, Result, error::Fault};

/// The form of the data that this program reads and writes.
pub const FORMAT: u32 = 1;

const VERSION: &str = "version";

impl Store {
    /// The version that the table's data has; data without one is of the first.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn format(&self) -> Result<Option<u32>> {
        let Some(item) = self.item(keys::format()).await? else { return Ok(None) };
        let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse().ok());
        version.map(Some).ok_or_else(|| Error::Unexpected(Fault::new("unreadable item FORMAT")))
    }

    /// Notes the version in a table that has none. Whoever may not write there leaves it without.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn note_format(&self) -> Result<()> {
        let mut item = keys::format();
        item.insert(VERSION.to_owned(), AttributeValue::N(FORMAT.to_string()));
        let noted = self
            .client
            .put_item()
            .table_name(&self.tables.categories)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .send()
            .await;
        let Err(error) = noted else { return Ok(()) };
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException" | "AccessDeniedException") => Ok(()),
            _ => Err(failure::error("PutItem", error)),
        }
    }
}
