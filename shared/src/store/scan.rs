//! Reading the whole table for what customers have. No function calls any of this.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store, client, failure,
    items::{self, Item},
    keys,
};
use crate::{
    Result,
    domain::{Customer, OrgId},
};

/// Items that one Scan reads at most. Small ones fill the 1 MB at which DynamoDB ends a Scan; without a limit the
/// local engine would load the rest of the table for each.
const MAX_ITEMS_PER_SCAN: i32 = 2000;

/// Where a Scan has ended.
#[derive(Clone, Debug)]
pub struct ScanPosition {
    key: Item,
    /// The partition of the customer in whose fence the Scan has run last. What is left of them comes right behind it.
    being_erased: Option<String>,
}

/// What one Scan has found.
#[derive(Clone, Debug)]
pub struct Scanned<T> {
    /// What was looked for. What belongs to one customer comes in one piece, in the order of its sort keys.
    pub found: Vec<T>,
    /// Items of every kind, and of every organisation, that were read for it.
    pub items_read: u64,
    /// Where to go on; `None` where the whole table has been read.
    pub next: Option<ScanPosition>,
}

/// How large a table is. DynamoDB says so every six hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSize {
    /// Items of every kind and organisation.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Which items of customers a Scan looks for.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// A condition on them; all, if empty.
    pub filter: &'a str,
    /// The attributes that are read; all, if empty.
    pub projection: &'a str,
    /// The names of attributes in both, besides `#pk` and `#sk`.
    pub names: &'a [(&'a str, &'a str)],
    /// The values in the condition.
    pub values: Vec<(&'a str, String)>,
    /// Whether what was written just before the Scan has to be found. It costs twice as much.
    pub consistent: bool,
}

impl Store {
    /// How large the categories table is.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn table_size(&self) -> Result<TableSize> {
        let request = self.client.describe_table().table_name(&self.tables.categories);
        let answer = request.send().await.map_err(|error| failure::error("DescribeTable", error))?;
        let table = answer.table.as_ref();
        let number =
            |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
        Ok(TableSize {
            items: number(table.and_then(|table| table.item_count)),
            bytes: number(table.and_then(|table| table.table_size_bytes)),
        })
    }

    /// Items of the customers of an organisation, or of all, from the table's start or from where a Scan has ended.
    /// What is left of a customer who is being erased is left out.
    pub(super) async fn scan_customers<T>(
        &self,
        org: Option<&OrgId>,
        wanted: Wanted<'_>,
        from: Option<&ScanPosition>,
        read: impl Fn(Item) -> Result<Option<T>>,
    ) -> Result<Scanned<T>> {
        let of_customers =
            if org.is_some() { "begins_with(#pk, :customers)" } else { "contains(#pk, :customers)" };
        let filter = match wanted.filter {
            "" => of_customers.to_owned(),
            filter => format!("{of_customers} AND (#sk = :fence OR ({filter}))"),
        };
        let mut request = self
            .client
            .scan()
            .table_name(&self.tables.categories)
            .filter_expression(filter)
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_values(":customers", AttributeValue::S(keys::partitions_of_customers(org)))
            .set_projection_expression((!wanted.projection.is_empty()).then(|| wanted.projection.to_owned()))
            .set_exclusive_start_key(from.map(|position| position.key.clone()))
            .consistent_read(wanted.consistent)
            .limit(MAX_ITEMS_PER_SCAN);
        if !wanted.filter.is_empty() {
            request = request
                .expression_attribute_names("#sk", keys::SORT_KEY)
                .expression_attribute_values(":fence", AttributeValue::S(keys::FRONT_FENCE.to_owned()));
        }
        for (name, attribute) in wanted.names {
            request = request.expression_attribute_names(*name, *attribute);
        }
        for (name, value) in wanted.values {
            request = request.expression_attribute_values(name, AttributeValue::S(value));
        }
        let request = request.customize().config_override(client::scan_config()).send();
        let answer = request.await.map_err(|error| failure::error("Scan", error))?;

        let mut being_erased = from.and_then(|position| position.being_erased.clone());
        let mut found = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let partition = keys::partition_key(&item).unwrap_or_default();
            if keys::sort_key(&item) == Some(keys::FRONT_FENCE) {
                being_erased = Some(partition.to_owned());
            } else if being_erased.as_deref() != Some(partition) {
                found.extend(read(item)?);
            }
        }
        Ok(Scanned {
            found,
            items_read: u64::try_from(answer.scanned_count).unwrap_or_default(),
            next: answer.last_evaluated_key.map(|key| ScanPosition { key, being_erased }),
        })
    }
}

/// Whose item it is, where it has to be a customer's.
pub(super) fn require_customer(item: &Item) -> Result<Customer> {
    keys::customer_of(item).ok_or_else(|| items::unreadable(keys::sort_key(item).unwrap_or_default()))
}
