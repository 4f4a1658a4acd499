//! What the table holds, as DynamoDB items. Each kind of item owns its keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::keys;
use crate::{
    Error, Result,
    domain::{
        Attributes, Category, CategoryId, ChangeKind, Customer, HistoryEntry, Idempotency, Record, Revision,
    },
};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency: Option<Idempotency>,
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
    revision: Revision,
}

pub fn from_record(customer: &Customer, record: &Record) -> Result<Item> {
    let (pk, sk) = (keys::partition(customer), keys::category(record.id()));
    write(&match record.clone() {
        Record::Live(Category { id, attributes, created, revision, idempotency }) => {
            CategoryItem { pk, sk, id, attributes, created: Some(created), revision, idempotency }
        }
        Record::Deleted { id, revision } => CategoryItem {
            pk,
            sk,
            id,
            attributes: Attributes::default(),
            created: None,
            revision,
            idempotency: None,
        },
    })
}

pub fn into_record(item: Item) -> Result<Record> {
    let CategoryItem { id, attributes, created, revision, idempotency, .. } = read(item)?;
    Ok(match created {
        Some(created) => Record::Live(Category { id, attributes, created, revision, idempotency }),
        None => Record::Deleted { id, revision },
    })
}

pub fn from_entry(customer: &Customer, entry: &HistoryEntry) -> Result<Item> {
    let (pk, sk) = (keys::partition(customer), keys::history(entry.revision));
    let HistoryEntry { id, change, attributes, previous, changed_by, created, revision } = entry.clone();
    let event = match change {
        ChangeKind::Created => "CustomerCategoryCreated",
        ChangeKind::Updated => "CustomerCategoryUpdated",
        ChangeKind::Deleted => "CustomerCategoryDeleted",
    };
    write(&HistoryItem { pk, sk, id, change, event, attributes, previous, changed_by, created, revision })
}

pub fn into_entry(item: Item) -> Result<HistoryEntry> {
    let HistoryItem { id, change, attributes, previous, changed_by, created, revision, .. } = read(item)?;
    Ok(HistoryEntry { id, change, attributes, previous, changed_by, created, revision })
}

pub fn write<T: Serialize>(item: &T) -> Result<Item> {
    serde_dynamo::to_item(item).map_err(Error::unexpected)
}

/// An item that can't be read is a fault of ours to look into, never one to skip. The fault names
/// its sort key and nothing of the customer; whose it is stands in the request's path.
pub fn read<T: DeserializeOwned>(item: Item) -> Result<T> {
    let key = item.get(keys::SORT_KEY).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
    serde_dynamo::from_item(item).map_err(|_| Error::unexpected(format!("unreadable item {key}")))
}
