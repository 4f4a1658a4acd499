//! The one way to write: a record, its history entry, its unique name, and what is remembered of the request, in
//! one transaction.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem,
        builders::{DeleteBuilder, PutBuilder},
    },
};

use super::{
    Store, client,
    erasure::{Erased, Unless},
    failure,
    items::{self, Item},
    keys,
    writing::{MAX_ATTEMPTS, back_off, contended},
};
use crate::{
    Error, Result,
    domain::{
        Attributes, CategoryId, Change, HistoryEntry, Idempotency, Owner, Record, Remembered, Revision,
        Timestamp,
    },
    error::Fault,
    log,
};

pub const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

/// How a change ended, where that is known.
pub enum Commit<A> {
    /// This change has been committed.
    Done(Revision),
    /// The request was carried out before, by the change with this revision.
    Repeated(Revision),
    /// The record is not what the change was decided on, but this.
    Lost(Option<Record<A>>),
    /// The name that the change takes is another record's.
    NameTaken(CategoryId),
    /// The owner is being erased, or was, and that rules the change out.
    Erased(Erased),
}

/// What an item of the transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Record,
    Entry,
    Remembered,
    TakenName,
    FreedName,
    Check,
}

/// The items of a transaction, in their order.
#[derive(Default)]
struct Transaction {
    parts: Vec<Part>,
    items: Vec<TransactWriteItem>,
}

impl Transaction {
    fn put(&mut self, part: Part, put: PutBuilder) -> Result<()> {
        let put = put.build().map_err(Error::unexpected)?;
        self.parts.push(part);
        self.items.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    fn delete(&mut self, part: Part, delete: DeleteBuilder) -> Result<()> {
        let delete = delete.build().map_err(Error::unexpected)?;
        self.parts.push(part);
        self.items.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }
}

/// Why a transaction was cancelled: a reason for each of its items.
struct Cancellation<'a> {
    parts: &'a [Part],
    reasons: &'a [CancellationReason],
}

impl Cancellation<'_> {
    fn reason(&self, part: Part) -> Option<&CancellationReason> {
        self.parts.iter().position(|&other| other == part).and_then(|at| self.reasons.get(at))
    }

    /// Whether the item's condition did not hold.
    fn failed(&self, part: Part) -> bool {
        self.reason(part).and_then(CancellationReason::code) == Some(CONDITION_FAILED)
    }

    /// What is there in place of the item, where its condition did not hold.
    fn found(&self, part: Part) -> Option<Item> {
        self.reason(part).filter(|_| self.failed(part)).and_then(|reason| reason.item.clone())
    }

    /// What it says of the change; `None` where another transaction on the same items was under way. `now` is the
    /// time that the transaction was decided with.
    fn means<A: Attributes>(
        &self,
        revision: Revision,
        idempotency: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<Option<Commit<A>>> {
        // Before the entry: the same line may have been imported before, and its entry not be erased yet.
        if let Some(found) = self.found(Part::Check) {
            let fence = keys::is_fence(&found);
            let erased = if fence { Erased::UnderWay } else { Erased::Since(items::into_erased_at(found)?) };
            return Ok(Some(Commit::Erased(erased)));
        }
        if self.failed(Part::Entry) {
            return Ok(Some(Commit::Done(revision)));
        }
        if let (Some(idempotency), Some(item)) = (idempotency, self.found(Part::Remembered))
            && let Some(remembered) = items::into_remembered(item, now)?
        {
            return repeated(idempotency, &remembered).map(Commit::Repeated).map(Some);
        }
        if self.failed(Part::Record) {
            let current = self.found(Part::Record).map(items::into_record).transpose()?;
            let is_own = current.as_ref().is_some_and(|current| current.revision() == revision);
            return Ok(Some(if is_own { Commit::Done(revision) } else { Commit::Lost(current) }));
        }
        if let Some(claim) = self.found(Part::TakenName) {
            return items::into_claimant(claim).map(Commit::NameTaken).map(Some);
        }
        let codes: Vec<&str> = self.reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect();
        if codes.contains(&CONFLICT) {
            return Ok(None);
        }
        let fault = Fault::new(format!("TransactWriteItems: cancelled: {codes:?}"));
        Err(if codes.iter().any(|code| failure::THROTTLED.contains(code)) {
            Error::Unavailable(fault)
        } else {
            Error::Unexpected(fault)
        })
    }
}

impl Store {
    /// Writes the record, its history entry, the names that come and go and, for a request that may be
    /// repeated, what is remembered of it, in one transaction; `unless` rules it out. A creation has to name what
    /// does: other changes need a record that is there, and an erasure leaves none.
    ///
    /// A transaction that was cancelled for another one is sent again as it was: a copy of it whose answer was
    /// lost may be committed late, and would not be known for this change's under a new revision.
    pub(super) async fn commit<A: Attributes>(
        &self,
        owner: &A::Owner,
        change: &Change<A>,
        idempotency: Option<&Idempotency>,
        unless: Option<Unless>,
    ) -> Result<Commit<A>> {
        let (now, revision) = (self.clock.timestamp(), change.entry.revision);
        // Not the change's revision, which an import has again after an erasure.
        let token = Revision::mint(now, None).to_string();
        for attempt in 0..MAX_ATTEMPTS {
            let Transaction { parts, items } = self.transaction(owner, change, idempotency, unless, now)?;
            let Err(error) = self.transact(items, Some(token.clone())).await else {
                return Ok(Commit::Done(revision));
            };
            let Some(reasons) = failure::cancellation(&error) else {
                // Only a cancellation proves that nothing was written: of several attempts the last one's
                // answer is known, and an earlier one may have been committed.
                return self.settle(owner, revision, failure::error("TransactWriteItems", error)).await;
            };
            if let Some(commit) =
                (Cancellation { parts: &parts, reasons }).means(revision, idempotency, now)?
            {
                return Ok(commit);
            }
            back_off(attempt).await;
        }
        self.settle(owner, revision, contended()).await
    }

    fn transaction<A: Attributes>(
        &self,
        owner: &A::Owner,
        change: &Change<A>,
        idempotency: Option<&Idempotency>,
        unless: Option<Unless>,
        now: Timestamp,
    ) -> Result<Transaction> {
        let HistoryEntry { id, revision, .. } = change.entry;
        let mut transaction = Transaction::default();
        transaction.put(Part::Record, self.put_record(owner, change)?)?;
        transaction.put(Part::Entry, self.put_new(items::from_entry(owner, &change.entry)?))?;
        if let Some(idempotency) = idempotency {
            transaction.put(Part::Remembered, self.put_remembered(owner, idempotency, revision, now)?)?;
        }
        if let Some(name) = &change.claims.takes {
            transaction.put(Part::TakenName, self.put_new(items::from_claim(owner, name, id)?))?;
        }
        if let Some(name) = &change.claims.frees {
            transaction.delete(Part::FreedName, self.free_name(owner, name, id))?;
        }
        if let Some(unless) = unless {
            transaction.parts.push(Part::Check);
            transaction.items.push(self.check(owner, unless, now)?);
        }
        Ok(transaction)
    }

    /// Sends a transaction. DynamoDB knows for ten minutes by the token, which the SDK makes where there is none,
    /// that it has carried out a copy of it.
    pub(super) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        token: Option<String>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        self.client
            .transact_write_items()
            .set_transact_items(Some(items))
            .set_client_request_token(token)
            .customize()
            .config_override(client::write_config())
            .send()
            .await
            .map(drop)
    }

    /// On condition that the record is what the change was decided on. Once that has failed it fails for good,
    /// because a revision never comes back: a copy of the transaction that arrives late changes nothing.
    fn put_record<A: Attributes>(&self, owner: &A::Owner, change: &Change<A>) -> Result<PutBuilder> {
        let item = items::from_record(owner, &change.record)?;
        let Some(revision) = change.replaces else { return Ok(self.put_new(item)) };
        Ok(self
            .put(item)
            .condition_expression("#revision = :replaces")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":replaces", AttributeValue::S(revision.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    /// On condition that there is nothing under the item's key, be it a record's number, the revision that was
    /// minted for an entry, or a name.
    pub(super) fn put_new(&self, item: Item) -> PutBuilder {
        self.put(item)
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// On condition that the caller has not used the key in the last 24 hours.
    fn put_remembered(
        &self,
        owner: &impl Owner,
        idempotency: &Idempotency,
        revision: Revision,
        now: Timestamp,
    ) -> Result<PutBuilder> {
        Ok(self
            .put(items::from_remembered(owner, idempotency, revision, now)?)
            .condition_expression("attribute_not_exists(#pk) OR #expires <= :now")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#expires", keys::EXPIRES)
            .expression_attribute_values(":now", AttributeValue::N(items::unix_seconds(now).to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    /// On condition that the record has the name.
    fn free_name(&self, owner: &impl Owner, name: &str, id: CategoryId) -> DeleteBuilder {
        Delete::builder()
            .table_name(&self.tables.categories)
            .set_key(Some(keys::item(owner, keys::name(name))))
            .condition_expression("#id = :id")
            .expression_attribute_names("#id", "id")
            .expression_attribute_values(":id", AttributeValue::N(id.to_string()))
    }

    pub(super) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.tables.categories).set_item(Some(item))
    }

    /// What is remembered of this request, if it was carried out in the last 24 hours.
    ///
    /// # Errors
    /// [`Error::KeyReused`] where the key was used for another request; or the database's failure.
    pub(super) async fn remembered(
        &self,
        owner: &impl Owner,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Revision>> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        let read = Box::pin(self.item(keys::item(owner, keys::idempotency(&idempotency.id))));
        let Some(item) = self.unless_being_erased(owner, false, read).await? else { return Ok(None) };
        let remembered = items::into_remembered(item, self.clock.timestamp())?;
        remembered.map(|remembered| repeated(idempotency, &remembered)).transpose()
    }

    /// Finds out whether a write whose outcome is unknown has been committed: its entry's key is the
    /// revision that was minted for it. Where that can't be seen, it stays with the error.
    async fn settle<A: Attributes>(
        &self,
        owner: &A::Owner,
        revision: Revision,
        error: Error,
    ) -> Result<Commit<A>> {
        let entry = self.item(keys::item(owner, keys::history(revision))).await;
        let committed = entry.is_ok_and(|entry| entry.is_some());
        let request_id = log::request_id();
        tracing::warn!(request_id, %revision, committed, "the answer to a write was lost");
        if !committed {
            return Err(error);
        }
        log::outcome_resolved();
        Ok(Commit::Done(revision))
    }
}

/// The change that was made for the request, if it is the same request.
fn repeated(idempotency: &Idempotency, remembered: &Remembered) -> Result<Revision> {
    if remembered.request == idempotency.request { Ok(remembered.revision) } else { Err(Error::KeyReused) }
}
