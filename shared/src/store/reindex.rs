//! Giving categories from before there was an index of carriers their place in it. No function calls any of this.

use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError, types::AttributeValue};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    ScanPosition, Scanned, Store, failure,
    items::{self, Item},
    keys,
    scan::Wanted,
};
use crate::{
    Result,
    domain::{Assignment, CategoryAttributes, CategoryPath, Record},
};

/// Items that are written at once.
const WRITES_AT_ONCE: usize = 32;

impl Store {
    /// Gives customers' categories without a place in the index of carriers theirs, from the table's start or from
    /// where a Scan has ended. Each is written on condition that its revision is the one that was read: a change gives
    /// it its place itself. History is left alone, and what has its place already is read and not written. Returns
    /// which have been given theirs.
    ///
    /// # Errors
    /// The database's failure; a part of what the Scan has found may have been written.
    pub async fn reindex(&self, from: Option<&ScanPosition>) -> Result<Scanned<CategoryPath>> {
        let wanted = Wanted {
            filter: "begins_with(#sk, :category) AND attribute_exists(#created) AND attribute_not_exists(#carriers)",
            names: &[("#created", "created"), ("#carriers", keys::CARRIERS_PARTITION_KEY)],
            values: vec![(":category", keys::CATEGORY.to_owned())],
            ..Wanted::default()
        };
        let Scanned { found, items_read, next } =
            self.scan_customers(None, wanted, from, |item| Ok(Some(item))).await?;
        let writes = stream::iter(found).map(|item| Box::pin(self.index(item)));
        let writes = writes.buffer_unordered(WRITES_AT_ONCE);
        let found = writes.try_filter_map(async |path| Ok(path)).try_collect().await?;
        Ok(Scanned { found, items_read, next })
    }

    /// Returns the category if it has been given its place; it has not where it was changed meanwhile.
    async fn index(&self, item: Item) -> Result<Option<CategoryPath>> {
        let Some(customer) = keys::customer_of(&item) else { return Ok(None) };
        let Record::Live(category) = items::into_record::<CategoryAttributes>(item)? else {
            return Ok(None);
        };
        let value = category.attributes.value.as_ref();
        let [partition, sort] = keys::carrier(&Assignment { customer: &customer, id: category.id, value });
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.categories)
            .set_key(Some(keys::item(&customer, keys::category(category.id))))
            .update_expression("SET #carriers_pk = :carriers_pk, #carriers_sk = :carriers_sk")
            .condition_expression("#revision = :revision")
            .expression_attribute_names("#carriers_pk", partition.0)
            .expression_attribute_names("#carriers_sk", sort.0)
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":carriers_pk", partition.1)
            .expression_attribute_values(":carriers_sk", sort.1)
            .expression_attribute_values(":revision", AttributeValue::S(category.revision.to_string()));
        match request.send().await {
            Ok(_) => Ok(Some(CategoryPath { id: category.id, owner: customer })),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(None)
            }
            Err(error) => Err(failure::error("UpdateItem", error)),
        }
    }
}
