//! What the table holds, as DynamoDB items. Each kind of item owns its keys.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::keys;
use crate::{
    Error, Result,
    domain::{
        After, Attributes, Carrier, CategoryId, ChangeKind, Customer, HistoryEntry, OrgId, Owner, Policy,
        Reason, Record, Remembered, Revision, Timestamp, Value, Versioned,
    },
};

/// How long the outcome of a change under an `Idempotency-Key` is remembered.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// How long the gate of an erasure that has ended is of use: longer than any copy of a transaction is under way.
const GATE_STANDS_FOR: Duration = Duration::from_hours(1);

pub type Item = HashMap<String, AttributeValue>;

#[derive(Serialize, Deserialize)]
struct RecordItem<A> {
    pk: String,
    sk: String,
    id: CategoryId,
    #[serde(flatten)]
    attributes: Option<A>,
    /// Absent where the record has been deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Revision>,
    revision: Revision,
}

/// `After` is what the record says, or, where it was deleted, [`Deletion`].
#[derive(Serialize, Deserialize)]
struct HistoryItem<After, A> {
    pk: String,
    sk: String,
    id: CategoryId,
    change: ChangeKind,
    /// The type of the event that the table's stream makes of this item. EventBridge Pipes can take
    /// a type from an attribute, but can't put one together.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(flatten)]
    after: After,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<A>,
    changed_by: String,
    created: Revision,
    /// Absent in a creation, and in entries that were written before this was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Revision>,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
struct Deletion {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

/// Of a customer's category, what a survey looks at.
#[derive(Deserialize)]
pub struct CarriedItem {
    pub id: CategoryId,
    #[serde(default)]
    pub value: Option<Value>,
}

/// Of a customer's category, what the index of carriers has.
#[derive(Deserialize)]
struct CarrierItem {
    pk: String,
    sk: String,
    #[serde(default)]
    value: Option<Value>,
    created: Revision,
}

/// Who has a unique name.
#[derive(Serialize, Deserialize)]
struct ClaimItem {
    pk: String,
    sk: String,
    id: CategoryId,
}

#[derive(Serialize, Deserialize)]
struct PolicyItem {
    pk: String,
    sk: String,
    unknown: Policy,
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
    /// In a gate whose erasure has ended: from when on it lets creations through, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<u64>,
    /// In such a gate: Unix time in seconds from which on it is of no use; the table's TTL attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

#[derive(Deserialize)]
struct ErasedItem {
    erased_at: Timestamp,
}

pub fn from_record<A: Attributes>(owner: &A::Owner, record: &Record<A>) -> Result<Item> {
    let (pk, sk) = (keys::partition(owner), keys::category(record.id()));
    // Tombstones have no place in the index of carriers, and neither have definitions, which assign nothing.
    let carrier = match record {
        Record::Live(record) => record.attributes.assignment(owner, record.id, None),
        Record::Deleted { .. } => None,
    };
    let mut item = write(&match record.clone() {
        Record::Live(Versioned { id, attributes, created, revision }) => {
            RecordItem { pk, sk, id, attributes: Some(attributes), created: Some(created), revision }
        }
        Record::Deleted { id, revision } => {
            RecordItem { pk, sk, id, attributes: None, created: None, revision }
        }
    })?;
    item.extend(carrier.iter().flat_map(keys::carrier));
    Ok(item)
}

/// A carrier, out of the index.
pub fn into_carrier(item: Item) -> Result<Carrier> {
    let CarrierItem { pk, sk, value, created } = read(item)?;
    let Customer { id, .. } = keys::customer_in(&pk).ok_or_else(|| unreadable(&sk))?;
    Ok(Carrier { customer: id, value, created })
}

pub fn into_record<A: Attributes>(item: Item) -> Result<Record<A>> {
    let RecordItem { sk, id, attributes, created, revision, .. } = read(unless_fence::<A>(item)?)?;
    match (created, attributes) {
        (None, _) => Ok(Record::Deleted { id, revision }),
        (Some(created), Some(attributes)) => {
            Ok(Record::Live(Versioned { id, attributes, created, revision }))
        }
        (Some(_), None) => Err(unreadable(&sk)),
    }
}

pub fn from_entry<A: Attributes>(owner: &A::Owner, entry: &HistoryEntry<A>) -> Result<Item> {
    match entry.after.clone() {
        After::State(attributes) => from_entry_and(owner, entry, attributes),
        After::Nothing { reason } => from_entry_and(owner, entry, Deletion { reason }),
    }
}

fn from_entry_and<A: Attributes>(
    owner: &A::Owner,
    entry: &HistoryEntry<A>,
    after: impl Serialize,
) -> Result<Item> {
    let (pk, sk) = (keys::partition(owner), keys::history(entry.revision));
    let HistoryEntry { id, change, previous, changed_by, created, replaces, revision, .. } = entry.clone();
    let event = A::event(change);
    write(&HistoryItem {
        pk,
        sk,
        id,
        change,
        event,
        after,
        previous,
        changed_by,
        created,
        replaces,
        revision,
    })
}

pub fn into_entry<A: Attributes>(item: Item) -> Result<HistoryEntry<A>> {
    let change = item.get("change").and_then(|change| change.as_s().ok());
    if change.is_some_and(|change| change == "deleted") {
        into_entry_with(item, |Deletion { reason }| After::Nothing { reason })
    } else {
        into_entry_with(item, After::State)
    }
}

fn into_entry_with<S: DeserializeOwned, A: Attributes>(
    item: Item,
    after: impl FnOnce(S) -> After<A>,
) -> Result<HistoryEntry<A>> {
    let HistoryItem { id, change, after: stored, previous, changed_by, created, replaces, revision, .. } =
        read(unless_fence::<A>(item)?)?;
    Ok(HistoryEntry { id, change, after: after(stored), previous, changed_by, created, replaces, revision })
}

pub fn from_claim(owner: &impl Owner, name: &str, id: CategoryId) -> Result<Item> {
    write(&ClaimItem { pk: keys::partition(owner), sk: keys::name(name), id })
}

/// Who has the name.
pub fn into_claimant(item: Item) -> Result<CategoryId> {
    read::<ClaimItem>(item).map(|claim| claim.id)
}

pub fn from_policy(org: &OrgId, unknown: Policy) -> Result<Item> {
    write(&PolicyItem { pk: keys::partition(org), sk: keys::POLICY.to_owned(), unknown })
}

pub fn into_policy(item: Item) -> Result<Policy> {
    read::<PolicyItem>(item).map(|policy| policy.unknown)
}

/// What is to be remembered under this [id](crate::domain::Idempotency::id) of a request that is carried out at `now`.
pub fn from_remembered(owner: &impl Owner, id: &str, remembered: Remembered, now: Timestamp) -> Result<Item> {
    write(&IdempotencyItem {
        pk: keys::partition(owner),
        sk: keys::idempotency(id),
        remembered,
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

/// The items of the fence of an erasure: front, back, gate.
pub fn from_fence(customer: &Customer, erasure: Revision) -> Result<[Item; 3]> {
    let pk = keys::partition(customer);
    let item = |sk: &str| {
        write(&FenceItem { pk: pk.clone(), sk: sk.to_owned(), erasure, ended: None, expires: None })
    };
    Ok([item(keys::FRONT_FENCE)?, item(keys::BACK_FENCE)?, item(keys::GATE)?])
}

/// The gate of an erasure that ended: it lets through what is created after `ended`.
pub fn from_open_gate(customer: &Customer, erasure: Revision, ended: Timestamp) -> Result<Item> {
    write(&FenceItem {
        pk: keys::partition(customer),
        sk: keys::GATE.to_owned(),
        erasure,
        ended: Some(ended.as_millis()),
        expires: Some(unix_seconds(ended) + GATE_STANDS_FOR.as_secs()),
    })
}

/// The erasure whose fence this is.
pub fn into_erasure(item: Item) -> Result<Revision> {
    read::<FenceItem>(item).map(|item| item.erasure)
}

/// The note that a customer was erased, which names nobody.
pub fn from_erased(customer: &Customer, erased_at: Timestamp) -> Item {
    with_erased_at(keys::erased(customer), erased_at)
}

/// The note that a customer was erased, of whom nothing but the digest is known.
pub fn from_erased_digest(org: &OrgId, digest: &str, erased_at: Timestamp) -> Item {
    with_erased_at(keys::erased_by_digest(org, digest), erased_at)
}

fn with_erased_at(mut item: Item, erased_at: Timestamp) -> Item {
    item.insert("erased_at".to_owned(), AttributeValue::S(erased_at.to_string()));
    item
}

/// When the erasure began that this is the note of.
pub fn into_erased_at(item: Item) -> Result<Timestamp> {
    read::<ErasedItem>(item).map(|item| item.erased_at)
}

/// Whoever meets the fence where something else was asked for finds nothing of the owner.
fn unless_fence<A: Attributes>(item: Item) -> Result<Item> {
    if keys::is_fence(&item) { Err(Error::NotFound(A::UNKNOWN_OWNER)) } else { Ok(item) }
}

/// Bytes of an item's names and values, about as DynamoDB counts them.
pub fn bytes(item: &Item) -> usize {
    fn of_value(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
            AttributeValue::M(members) => 3 + bytes(members),
            AttributeValue::L(members) => {
                3 + members.iter().map(|member| 1 + of_value(member)).sum::<usize>()
            }
            _ => 1,
        }
    }
    item.iter().map(|(name, value)| name.len() + 1 + of_value(value)).sum()
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
    serde_dynamo::from_item(item).map_err(|_| unreadable(&key))
}

pub fn unreadable(sort_key: &str) -> Error {
    Error::unexpected(format!("unreadable item {sort_key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;

    #[test]
    fn bytes_are_those_of_names_values_and_what_holds_them() {
        let text = |text: &str| AttributeValue::S(text.into());
        let item = HashMap::from([
            ("text".to_owned(), text("Grüße")),
            ("number".to_owned(), AttributeValue::N("17".into())),
            ("flag".to_owned(), AttributeValue::Bool(true)),
            ("list".to_owned(), AttributeValue::L(vec![text("ab"), text("c")])),
            ("map".to_owned(), AttributeValue::M(HashMap::from([("a".to_owned(), text("bc"))]))),
        ]);
        let [of_text, of_number, of_flag] = [4 + 1 + 7, 6 + 1 + 2, 4 + 1 + 1];
        let of_list = 4 + 1 + 3 + (1 + 2) + (1 + 1);
        let of_map = 3 + 1 + 3 + (1 + 1 + 2);
        assert_eq!(bytes(&item), of_text + of_number + of_flag + of_list + of_map);
    }

    /// DynamoDB deletes it then, after which a copy of a creation that was under way would be let through.
    #[test]
    fn a_gate_stands_for_an_hour_after_its_erasure() {
        let id = CustomerId::parse("123e4567-e89b-12d3-a456-556642440000").unwrap();
        let customer = Customer { org: OrgId::parse("telco").unwrap(), id };
        let ended = Timestamp::parse_floor("2026-11-23T06:46:00.123Z").unwrap();
        let gate = from_open_gate(&customer, Revision::mint(ended, None), ended).unwrap();
        assert_eq!(gate[keys::EXPIRES], AttributeValue::N((1_795_416_360 + 3600).to_string()));
    }
}
