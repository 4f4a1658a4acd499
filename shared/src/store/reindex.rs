//! Giving categories from before there was an index of carriers their place in it. No function calls any of this.

use aws_sdk_dynamodb::{error::SdkError, operation::update_item::UpdateItemError, types::AttributeValue};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Store, client, failure,
    items::{self, Item},
    keys,
    survey::MAX_ITEMS_PER_SCAN,
};
use crate::{
    Result,
    domain::{Assignment, CategoryAttributes, Record},
};

/// Items that are written at once.
const WRITES_AT_ONCE: usize = 32;

/// What one Scan has found and mended.
#[derive(Clone, Debug)]
pub struct Reindexed {
    /// Items of every kind that were read.
    pub items_read: u64,
    /// Categories that have been given their place in the index.
    pub indexed: u64,
    /// Where to go on; `None` where the whole table has been read.
    pub next: Option<ReindexPosition>,
}

/// Where a Scan has ended.
#[derive(Clone, Debug)]
pub struct ReindexPosition(Item);

impl Store {
    /// Gives customers' categories without a place in the index of carriers theirs, from the table's start or from
    /// where a Scan has ended. Each is written on condition that its revision is the one that was read: a change gives
    /// it its place itself. History is left alone, and what has its place already is read and not written.
    ///
    /// # Errors
    /// The database's failure; a part of what the Scan has found may have been written.
    pub async fn reindex(&self, from: Option<&ReindexPosition>) -> Result<Reindexed> {
        let filter = "begins_with(#sk, :category) AND contains(#pk, :of_customer) AND attribute_exists(#created) \
                      AND attribute_not_exists(#carriers)";
        let answer = self
            .client
            .scan()
            .table_name(&self.tables.categories)
            .filter_expression(filter)
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_names("#created", "created")
            .expression_attribute_names("#carriers", keys::CARRIERS_PARTITION_KEY)
            .expression_attribute_values(":category", AttributeValue::S(keys::CATEGORY.to_owned()))
            .expression_attribute_values(":of_customer", AttributeValue::S(keys::OF_CUSTOMER.to_owned()))
            .set_exclusive_start_key(from.map(|position| position.0.clone()))
            .limit(MAX_ITEMS_PER_SCAN)
            .customize()
            .config_override(client::scan_config())
            .send()
            .await
            .map_err(|error| failure::error("Scan", error))?;
        let found = answer.items.unwrap_or_default();
        let writes =
            stream::iter(found).map(|item| Box::pin(self.index(item))).buffer_unordered(WRITES_AT_ONCE);
        let indexed = writes.try_fold(0, async |sum, indexed| Ok(sum + u64::from(indexed))).await?;
        Ok(Reindexed {
            items_read: u64::try_from(answer.scanned_count).unwrap_or_default(),
            indexed,
            next: answer.last_evaluated_key.map(ReindexPosition),
        })
    }

    /// Returns whether the category has been given its place; it has not where it was changed meanwhile.
    async fn index(&self, item: Item) -> Result<bool> {
        let Some(customer) = keys::customer_of(&item) else { return Ok(false) };
        let Record::Live(category) = items::into_record::<CategoryAttributes>(item)? else {
            return Ok(false);
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
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) =>
            {
                Ok(false)
            }
            Err(error) => Err(failure::error("UpdateItem", error)),
        }
    }
}
