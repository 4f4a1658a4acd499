//! What the table holds, as DynamoDB items. Each kind of item owns its keys.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{keys, reading::NO_CUSTOMER};
use crate::{
    Error, Result,
    domain::{
        Attributes, Category, CategoryId, ChangeKind, Customer, HistoryEntry, Idempotency, Record,
        Remembered, Revision, Timestamp,
    },
};

/// How long the outcome of a change under an `Idempotency-Key` is remembered.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

pub type Item = HashMap<String, AttributeValue>;

#[derive(Serialize, Deserialize)]
struct CategoryItem {
    pk: String,
    sk: String,
    id: CategoryId,
    #[serde(flatten)]
    attributes: Attributes,
    /// Absent where the category has been deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Revision>,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
struct HistoryItem {
    pk: String,
    sk: String,
    id: CategoryId,
    change: ChangeKind,
    /// The type of the event that the table's stream makes of this item. EventBridge Pipes can take
    /// a type from an attribute, but can't put one together.
    #[serde(skip_deserializing)]
    event: &'static str,
    #[serde(flatten)]
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Attributes>,
    changed_by: String,
    created: Revision,
    /// Absent in a creation, and in entries that were written before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Revision>,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
struct IdempotencyItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    remembered: Remembered,
    /// Unix time in seconds from which on it no longer counts; the table's TTL attribute.
    expires: u64,
}

#[derive(Serialize, Deserialize)]
struct FenceItem {
    pk: String,
    sk: String,
    erasure: Revision,
}

#[derive(Deserialize)]
struct ErasedItem {
    erased_at: Timestamp,
}

pub fn from_record(customer: &Customer, record: &Record) -> Result<Item> {
    let (pk, sk) = (keys::partition(customer), keys::category(record.id()));
    write(&match record.clone() {
        Record::Live(Category { id, attributes, created, revision }) => {
            CategoryItem { pk, sk, id, attributes, created: Some(created), revision }
        }
        Record::Deleted { id, revision } => {
            CategoryItem { pk, sk, id, attributes: Attributes::default(), created: None, revision }
        }
    })
}

pub fn into_record(item: Item) -> Result<Record> {
    let CategoryItem { id, attributes, created, revision, .. } = read(unless_fence(item)?)?;
    Ok(match created {
        Some(created) => Record::Live(Category { id, attributes, created, revision }),
        None => Record::Deleted { id, revision },
    })
}

pub fn from_entry(customer: &Customer, entry: &HistoryEntry) -> Result<Item> {
    let (pk, sk) = (keys::partition(customer), keys::history(entry.revision));
    let HistoryEntry { id, change, attributes, previous, changed_by, created, replaces, revision } =
        entry.clone();
    let event = match change {
        ChangeKind::Created => "CustomerCategoryCreated",
        ChangeKind::Updated => "CustomerCategoryUpdated",
        ChangeKind::Deleted => "CustomerCategoryDeleted",
    };
    write(&HistoryItem {
        pk,
        sk,
        id,
        change,
        event,
        attributes,
        previous,
        changed_by,
        created,
        replaces,
        revision,
    })
}

pub fn into_entry(item: Item) -> Result<HistoryEntry> {
    let HistoryItem { id, change, attributes, previous, changed_by, created, replaces, revision, .. } =
        read(unless_fence(item)?)?;
    Ok(HistoryEntry { id, change, attributes, previous, changed_by, created, replaces, revision })
}

/// What is to be remembered of a change that is made at `now`.
pub fn from_remembered(
    customer: &Customer,
    idempotency: &Idempotency,
    revision: Revision,
    now: Timestamp,
) -> Result<Item> {
    let request = idempotency.request.clone();
    write(&IdempotencyItem {
        pk: keys::partition(customer),
        sk: keys::idempotency(&idempotency.id),
        remembered: Remembered { request, revision },
        expires: unix_seconds(now) + REMEMBERED_FOR.as_secs(),
    })
}

/// What is remembered, unless it no longer counts at `now`.
pub fn into_remembered(item: Item, now: Timestamp) -> Result<Option<Remembered>> {
    let IdempotencyItem { remembered, expires, .. } = read(item)?;
    Ok((expires > unix_seconds(now)).then_some(remembered))
}

/// What is remembered, whether it still counts or not.
pub fn into_request(item: Item) -> Result<Remembered> {
    read::<IdempotencyItem>(item).map(|item| item.remembered)
}

/// Both items of the fence of an erasure.
pub fn from_fence(customer: &Customer, erasure: Revision) -> Result<[Item; 2]> {
    let item = |sk: &str| write(&FenceItem { pk: keys::partition(customer), sk: sk.to_owned(), erasure });
    Ok([item(keys::FRONT_FENCE)?, item(keys::BACK_FENCE)?])
}

/// The erasure whose fence this is.
pub fn into_erasure(item: Item) -> Result<Revision> {
    read::<FenceItem>(item).map(|item| item.erasure)
}

/// The note that a customer was erased, which names nobody.
pub fn from_erased(customer: &Customer, erased_at: Timestamp) -> Item {
    let mut item = keys::erased(customer);
    item.insert("erased_at".to_owned(), AttributeValue::S(erased_at.to_string()));
    item
}

/// When the erasure began that this is the note of.
pub fn into_erased_at(item: Item) -> Result<Timestamp> {
    read::<ErasedItem>(item).map(|item| item.erased_at)
}

/// Whoever meets the fence where something else was asked for finds nothing of the customer.
fn unless_fence(item: Item) -> Result<Item> {
    if keys::is_fence(&item) { Err(Error::NotFound(NO_CUSTOMER)) } else { Ok(item) }
}

/// Whole seconds since 1970, as DynamoDB's TTL counts.
pub fn unix_seconds(time: Timestamp) -> u64 {
    time.as_millis() / 1000
}

pub fn write<T: Serialize>(item: &T) -> Result<Item> {
    serde_dynamo::to_item(item).map_err(Error::unexpected)
}

/// An item that can't be read is a fault of ours to look into, never one to skip. The fault names
/// its sort key and nothing of the customer; whose it is stands in the request's path.
pub fn read<T: DeserializeOwned>(item: Item) -> Result<T> {
    let key = keys::sort_key(&item).unwrap_or_default().to_owned();
    serde_dynamo::from_item(item).map_err(|_| Error::unexpected(format!("unreadable item {key}")))
}
