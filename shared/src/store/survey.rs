//! What the customers of an organisation carry, found by reading the whole table. No function calls any of this.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store, client, failure,
    items::{self, CarriedItem, Item},
    keys,
};
use crate::{
    Result,
    domain::{CategoryId, OrgId, Value},
};

/// Items that one Scan reads at most. Small ones fill the 1 MB at which DynamoDB ends a Scan; without a limit the
/// local engine would load the rest of the table for each.
pub const MAX_ITEMS_PER_SCAN: i32 = 2000;

/// A category that a customer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The category.
    pub id: CategoryId,
    /// The value that it is carried with, if any.
    pub value: Option<Value>,
}

/// What one Scan has found.
#[derive(Clone, Debug)]
pub struct CarriedPage {
    /// What customers of the organisation carry, in no particular order.
    pub carried: Vec<Carried>,
    /// Items of every kind, and of every organisation, that were read for it.
    pub items_read: u64,
    /// Where to go on; `None` where the whole table has been read.
    pub next: Option<ScanPosition>,
}

/// Where a Scan has ended.
#[derive(Clone, Debug)]
pub struct ScanPosition {
    key: Item,
    /// The partition of the customer in whose fence the Scan has run last. Their categories come right behind it.
    being_erased: Option<String>,
}

impl Store {
    /// How many items the table has, of every kind and organisation. DynamoDB counts them every six hours.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn count_table(&self) -> Result<Option<u64>> {
        let request = self.client.describe_table().table_name(&self.tables.categories);
        let answer = request.send().await.map_err(|error| failure::error("DescribeTable", error))?;
        let count = answer.table.and_then(|table| table.item_count);
        Ok(count.and_then(|count| u64::try_from(count).ok()))
    }

    /// What customers of an organisation carry, from the table's start or from where a Scan has ended. What is
    /// deleted, or is left of a customer who is being erased, is not carried. It reads eventually consistent.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn carried(&self, org: &OrgId, from: Option<&ScanPosition>) -> Result<CarriedPage> {
        let filter = "begins_with(#pk, :customers) AND (#sk = :fence OR \
                      (begins_with(#sk, :category) AND attribute_exists(#created)))";
        let answer = self
            .client
            .scan()
            .table_name(&self.tables.categories)
            .filter_expression(filter)
            .projection_expression("#pk, #sk, #id, #value")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_names("#created", "created")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":customers", AttributeValue::S(keys::partitions_of_customers(org)))
            .expression_attribute_values(":fence", AttributeValue::S(keys::FRONT_FENCE.to_owned()))
            .expression_attribute_values(":category", AttributeValue::S(keys::CATEGORY.to_owned()))
            .set_exclusive_start_key(from.map(|position| position.key.clone()))
            .limit(MAX_ITEMS_PER_SCAN)
            .customize()
            .config_override(client::scan_config())
            .send()
            .await
            .map_err(|error| failure::error("Scan", error))?;

        let mut being_erased = from.and_then(|position| position.being_erased.clone());
        let mut carried = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let CarriedItem { pk, id, value } = items::read(item)?;
            match id {
                None => being_erased = Some(pk),
                Some(id) if being_erased.as_ref() != Some(&pk) => carried.push(Carried { id, value }),
                Some(_) => {}
            }
        }
        Ok(CarriedPage {
            carried,
            items_read: u64::try_from(answer.scanned_count).unwrap_or_default(),
            next: answer.last_evaluated_key.map(|key| ScanPosition { key, being_erased }),
        })
    }
}
