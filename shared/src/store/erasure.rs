//! Erasing a customer, and the fence that stands meanwhile.
//!
//! The fence is three items in the customer's partition: one right before the categories, one right behind the
//! history, and a gate. A list from its start and a history from its newest change meet one of the first two with the
//! Query that they make anyway; other reads of ranges look for it beside their Query. A creation has it as a condition
//! that the gate is open; other changes need a category that is there. The first transaction puts the fence up and
//! deletes categories, so from then on nothing is read and nothing gets in. The fence comes down last, but for the gate:
//! for an hour it stays closed to what was decided before the end and is only now committed, such as a copy of a
//! transaction that was lost on its way.

use std::{fmt, pin::Pin};

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    builders::{DeleteBuilder, PutBuilder},
};

use super::{
    ItemCounts, Store,
    cancellation::CONDITION_FAILED,
    failure,
    items::{self, Item},
    keys,
    range_query::RangeQuery,
};
use crate::{
    Error, Result,
    clock::CLOCK_SKEW,
    domain::{Attributes, Customer, Owner, Revision, Timestamp},
    error::Fault,
};

/// Items that one transaction deletes at most: it has 100 actions, of which the first has four for the fence's
/// three items and the note that the customer was erased.
const MAX_DELETIONS: usize = 96;

/// Write units that one transaction's deletions take at most: a partition serves 1,000 in a second.
const MAX_WRITE_UNITS: usize = 950;

/// An erasure that is under way.
#[derive(Clone, Debug)]
pub struct Erasure {
    customer: Customer,
    /// Tells this erasure's fence from that of a later one.
    id: Revision,
}

/// What a category is not created in spite of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unless {
    /// The customer is being erased.
    BeingErased,
    /// The customer is being erased, or was erased once.
    Erased,
}

/// Why a category was not created, in the words of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// The customer is being erased.
    UnderWay,
    /// The erasure of the customer began at this time.
    Since(Timestamp),
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderWay => f.write_str("the customer is being erased"),
            Self::Since(time) => {
                write!(
                    f,
                    "the customer was erased at {time}; `--allow-erased` takes the line over all the same"
                )
            }
        }
    }
}

impl Store {
    /// Whether an erasure of the customer has begun and has not come to its end.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn is_being_erased(&self, customer: &Customer) -> Result<bool> {
        Ok(self.fence(customer).await?.is_some())
    }

    /// Begins an erasure, or takes up the one that is under way. In one transaction the fence goes up, it is
    /// noted that the customer was erased, and as many categories and tombstones as fit are deleted: 96, or fewer
    /// where these would take more than 950 write units. Returns how many with the erasure.
    ///
    /// # Errors
    /// The database's failure. It may have begun all the same; then it is taken up by the next call.
    pub async fn begin_erasure(&self, customer: &Customer) -> Result<(Erasure, ItemCounts)> {
        let begun = |id| Erasure { customer: customer.clone(), id };
        if let Some(id) = self.fence(customer).await? {
            return Ok((begun(id), ItemCounts::default()));
        }
        let now = self.clock.timestamp();
        let id = Revision::mint(now, None);
        let [front, back, gate] = items::from_fence(customer, id)?;
        let put = |put: PutBuilder| put.build().map(|put| TransactWriteItem::builder().put(put).build());
        let note = items::from_erased(customer, now);
        let puts = [self.put_new(front), self.put(back), self.put(gate), self.put(note)].map(put);
        let mut actions = puts.into_iter().collect::<Result<Vec<_>, _>>().map_err(Error::unexpected)?;
        let erased = self.delete_first([self.records(customer)], &mut actions).await?;
        if self.is_made(actions).await? {
            return Ok((begun(id), erased));
        }
        // Another erasure of the same customer was faster.
        let other = self.fence(customer).await?.map(begun);
        let other = other.ok_or_else(|| Error::Unavailable(Fault::new("another erasure began and ended")));
        other.map(|erasure| (erasure, ItemCounts::default()))
    }

    /// Erases some of what is left, in one transaction; returns what that was, which is nothing once all is gone,
    /// or once another run has brought this erasure to its end. Categories and tombstones come first, then what
    /// is remembered of requests, then the history from its newest entry on: what an entry says of the state
    /// before it stays true while later ones go.
    ///
    /// # Errors
    /// The database's failure; then nothing, or this part, has been erased.
    pub async fn erase_some(&self, erasure: &Erasure) -> Result<ItemCounts> {
        let Erasure { customer, id } = erasure;
        let fence = ConditionCheck::builder()
            .table_name(&self.tables.categories)
            .set_key(Some(keys::item(customer, keys::FRONT_FENCE.to_owned())))
            .condition_expression("#erasure = :erasure")
            .expression_attribute_names("#erasure", keys::ERASURE)
            .expression_attribute_values(":erasure", AttributeValue::S(id.to_string()))
            .build()
            .map_err(Error::unexpected)?;
        let mut actions = vec![TransactWriteItem::builder().condition_check(fence).build()];
        let ranges = [self.records(customer), self.scan_partition(customer).newest_first()];
        let erased = self.delete_first(ranges, &mut actions).await?;
        let done = erased.total() == 0 || !self.is_made(actions).await?;
        Ok(if done { ItemCounts::default() } else { erased })
    }

    /// Takes the fence down, once nothing is left and [`READ_DEADLINE`](super::client::READ_DEADLINE) has passed since: a read that looks
    /// for the fence beside its Query must not find that it is gone when the Query has found what was not. The gate
    /// stays closed for another [`CLOCK_SKEW`]: what a writer whose clock is ahead has decided before must not count as
    /// decided after the end. Where another run has done so, nothing happens.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn end_erasure(&self, erasure: &Erasure) -> Result<()> {
        let Erasure { customer, id } = erasure;
        let deletion = |sort_key: &str| {
            self.deletion(keys::item(customer, sort_key.to_owned()))
                .condition_expression("#erasure = :erasure")
                .expression_attribute_names("#erasure", keys::ERASURE)
                .expression_attribute_values(":erasure", AttributeValue::S(id.to_string()))
                .build()
                .map(|deletion| TransactWriteItem::builder().delete(deletion).build())
        };
        let fence = [deletion(keys::FRONT_FENCE), deletion(keys::BACK_FENCE)];
        let mut actions = fence.into_iter().collect::<Result<Vec<_>, _>>().map_err(Error::unexpected)?;
        let now = self.clock.timestamp();
        let ended = now.checked_add(CLOCK_SKEW).unwrap_or(now);
        let gate =
            self.put(items::from_open_gate(customer, *id, ended)?).build().map_err(Error::unexpected)?;
        actions.push(TransactWriteItem::builder().put(gate).build());
        self.is_made(actions).await.map(drop)
    }

    /// Reads something of an owner, who counts as unknown while being erased. Where what is read can't meet the
    /// fence, that is looked for at the same time. The futures are boxed, because they are large, and would be moved
    /// with each that holds them.
    pub(super) async fn unless_being_erased<O: Owner, T>(
        &self,
        owner: &O,
        meets_fence: bool,
        read: Pin<Box<impl Future<Output = Result<T>>>>,
    ) -> Result<T> {
        if meets_fence || !O::CAN_BE_ERASED {
            return read.await;
        }
        let unfenced = Box::pin(async {
            match self.fence(owner).await? {
                Some(_) => Err(Error::NotFound(O::Attributes::UNKNOWN_OWNER)),
                None => Ok(()),
            }
        });
        tokio::try_join!(read, unfenced).map(|(found, ())| found)
    }

    /// The condition of a creation that is decided at `now` that the owner is not being erased, or never was erased.
    pub(super) fn check(
        &self,
        owner: &impl Owner,
        unless: Unless,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder().table_name(&self.tables.categories);
        let check = match unless {
            Unless::BeingErased => check
                .set_key(Some(keys::item(owner, keys::GATE.to_owned())))
                .condition_expression("attribute_not_exists(#pk) OR #ended < :now")
                .expression_attribute_names("#ended", keys::ENDED)
                .expression_attribute_values(":now", AttributeValue::N(now.as_millis().to_string())),
            Unless::Erased => {
                check.set_key(Some(keys::erased(owner))).condition_expression("attribute_not_exists(#pk)")
            }
        };
        let check = check
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(Error::unexpected)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The erasure whose fence stands.
    async fn fence(&self, owner: &impl Owner) -> Result<Option<Revision>> {
        let item = self.item(keys::item(owner, keys::FRONT_FENCE.to_owned())).await?;
        item.map(items::into_erasure).transpose()
    }

    fn records(&self, customer: &Customer) -> RangeQuery {
        self.range(customer, keys::categories(None))
    }

    /// Adds the deletions of the first items of the first of these ranges that has any but the fence. They are
    /// taken as they are, so that an unreadable one is no obstacle.
    async fn delete_first(
        &self,
        ranges: impl IntoIterator<Item = RangeQuery>,
        actions: &mut Vec<TransactWriteItem>,
    ) -> Result<ItemCounts> {
        let mut erased = ItemCounts::default();
        let mut units = 0;
        for mut range in ranges {
            let found = range.next(Some(MAX_DELETIONS + keys::FENCES.len()), Ok).await?;
            for mut item in found.into_iter().filter(|item| !keys::is_fence(item)).take(MAX_DELETIONS) {
                units += write_units(&item);
                if units > MAX_WRITE_UNITS && erased.total() > 0 {
                    return Ok(erased);
                }
                erased.count(&item);
                item.retain(|name, _| [keys::PARTITION_KEY, keys::SORT_KEY].contains(&name.as_str()));
                let deletion = self.deletion(item).build().map_err(Error::unexpected)?;
                actions.push(TransactWriteItem::builder().delete(deletion).build());
            }
            if erased.total() > 0 {
                break;
            }
        }
        Ok(erased)
    }

    fn deletion(&self, key: Item) -> DeleteBuilder {
        Delete::builder().table_name(&self.tables.categories).set_key(Some(key))
    }

    /// Whether the transaction was made: not, where a condition in it fails.
    async fn is_made(&self, actions: Vec<TransactWriteItem>) -> Result<bool> {
        let Err(error) = self.transact(actions, None).await else { return Ok(true) };
        match failure::cancellation(&error) {
            Some(reasons) if reasons.iter().any(|reason| reason.code() == Some(CONDITION_FAILED)) => {
                Ok(false)
            }
            // Other writers, or throttling.
            Some(_) => Err(Error::Unavailable(Fault::new("TransactWriteItems: cancelled"))),
            None => Err(failure::error("TransactWriteItems", error)),
        }
    }
}

/// What it takes to delete an item in a transaction: two units per KB of names and values.
fn write_units(item: &Item) -> usize {
    2 * items::bytes(item).div_ceil(1024)
}
