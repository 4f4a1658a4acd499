//! What only an operator does: hand out all that is held on a customer. No function calls any of this.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store,
    items::{self, Item},
    keys,
    range_query::RangeQuery,
};
use crate::{
    Result,
    domain::{CategoryAttributes, Customer, HistoryEntry, Owner, Record, Remembered},
};

/// How much is held on a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Categories that the customer carries.
    pub categories: usize,
    /// What deleted categories have left behind.
    pub tombstones: usize,
    /// Entries of the history.
    pub changes: usize,
    /// Requests that are remembered by their `Idempotency-Key`.
    pub remembered: usize,
}

/// One thing that is held on a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A category, or the tombstone of one.
    Record(Record<CategoryAttributes>),
    /// An entry of the history.
    Change(HistoryEntry<CategoryAttributes>),
    /// A request that is remembered by its `Idempotency-Key`.
    Remembered(Remembered),
}

/// All that is held on a customer, page by page: first the categories in the order of their ids,
/// then the changes, oldest first.
pub struct CustomerItems {
    scan: RangeQuery,
}

impl Store {
    /// All that is held on a customer.
    #[must_use]
    pub fn customer_items(&self, customer: &Customer) -> CustomerItems {
        CustomerItems { scan: self.scan_partition(customer) }
    }

    /// How much is held on a customer. It is all read for that, page by page.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn count_items(&self, customer: &Customer) -> Result<ItemCounts> {
        let mut scan = self.scan_keys(customer);
        let mut count_items = ItemCounts::default();
        while !scan.done {
            scan.next(None, Ok).await?.iter().for_each(|item| count_items.count(item));
        }
        Ok(count_items)
    }

    pub(super) fn scan_partition(&self, owner: &impl Owner) -> RangeQuery {
        let query = self
            .client
            .query()
            .table_name(&self.tables.categories)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_values(":pk", AttributeValue::S(keys::partition(owner)))
            .consistent_read(true);
        RangeQuery::new(query)
    }

    /// The keys and what it takes to count, so that an unreadable item is no obstacle.
    fn scan_keys(&self, customer: &Customer) -> RangeQuery {
        let scan = self.scan_partition(customer);
        let query = scan
            .query
            .projection_expression("#pk, #sk, #created")
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_names("#created", "created");
        RangeQuery { query, ..scan }
    }
}

impl CustomerItems {
    /// The next page, at most 1 MB; `None` at the end.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn next(&mut self) -> Result<Option<Vec<Held>>> {
        if self.scan.done {
            return Ok(None);
        }
        let read = |item: Item| match kind(&item) {
            Kind::Change => items::into_entry(item).map(Held::Change).map(Some),
            Kind::Remembered => items::into_request(item).map(Held::Remembered).map(Some),
            Kind::Category | Kind::Tombstone => items::into_record(item).map(Held::Record).map(Some),
            Kind::Fence => Ok(None),
        };
        let page = self.scan.next(None, read).await?;
        Ok(Some(page.into_iter().flatten().collect()))
    }
}

impl ItemCounts {
    /// All of them together.
    #[must_use]
    pub fn total(self) -> usize {
        self.categories + self.tombstones + self.changes + self.remembered
    }

    pub(super) fn count(&mut self, item: &Item) {
        match kind(item) {
            Kind::Category => self.categories += 1,
            Kind::Tombstone => self.tombstones += 1,
            Kind::Change => self.changes += 1,
            Kind::Remembered => self.remembered += 1,
            Kind::Fence => {}
        }
    }
}

impl std::ops::AddAssign for ItemCounts {
    fn add_assign(&mut self, other: Self) {
        self.categories += other.categories;
        self.tombstones += other.tombstones;
        self.changes += other.changes;
        self.remembered += other.remembered;
    }
}

/// The kinds of item that a customer's partition has.
pub(super) enum Kind {
    Category,
    Tombstone,
    Change,
    Remembered,
    /// Of an erasure that is under way.
    Fence,
}

pub(super) fn kind(item: &Item) -> Kind {
    let key = keys::sort_key(item).unwrap_or_default();
    match () {
        () if keys::is_fence(item) => Kind::Fence,
        () if key.starts_with(keys::HISTORY) => Kind::Change,
        () if key.starts_with(keys::IDEMPOTENCY) => Kind::Remembered,
        () if item.contains_key("created") => Kind::Category,
        () => Kind::Tombstone,
    }
}
