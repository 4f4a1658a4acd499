//! The one way to write: records, their history entries and unique names, and what is remembered of the request, in
//! one transaction.

use std::slice;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        builders::{DeleteBuilder, PutBuilder},
    },
};

use super::{
    Store,
    cancellation::{Cancellation, Commit, Part, repeated},
    client,
    erasure::Unless,
    failure,
    items::{self, Item},
    keys,
    writing::{MAX_ATTEMPTS, back_off, contended},
};
use crate::{
    Error, Result,
    domain::{
        Attributes, CategoryId, Change, HistoryEntry, Idempotency, Outcome, Owner, Remembered, Revision,
        Timestamp,
    },
    log,
};

/// Changes of one owner's records that are to be made together.
pub struct ChangeSet<'a, A: Attributes> {
    /// Whose records they are.
    pub owner: &'a A::Owner,
    /// At most one for a record, and at most 25.
    pub changes: &'a [Change<A>],
    /// Other records that have to be as they were when the changes were decided on, with their last revisions, `None`
    /// where there has never been one. Without that, two sets that each leave alone what the other changes could both
    /// be committed, and what is there then would be what neither asked for.
    pub kept: &'a [(CategoryId, Option<Revision>)],
    /// The request that may be repeated, and what it comes to.
    pub remember: Option<(&'a Idempotency, &'a [Outcome])>,
    /// What rules out that a record comes into being.
    pub unless: Unless,
}

impl<'a, A: Attributes> ChangeSet<'a, A> {
    /// Changes of which nothing is remembered and that leave nothing alone.
    pub fn new(owner: &'a A::Owner, changes: &'a [Change<A>], unless: Unless) -> Self {
        Self { owner, changes, kept: &[], remember: None, unless }
    }
}

/// The items of a transaction, in their order.
#[derive(Default)]
pub struct Transaction {
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

impl Store {
    /// Writes the records, their history entries, the names that come and go and, for a request that may be
    /// repeated, what is remembered of it, in one transaction.
    ///
    /// A transaction that was cancelled for another one is sent again as it was: a copy of it whose answer was
    /// lost may be committed late, and would not be known for these changes' under new revisions.
    pub(super) async fn commit<A: Attributes>(&self, set: &ChangeSet<'_, A>) -> Result<Commit<A>> {
        let now = self.clock.timestamp();
        let token = client_request_token(now);
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(commit) = self.attempt(slice::from_ref(set), &token, now).await? {
                return Ok(commit);
            }
            back_off(attempt).await;
        }
        self.settle(set, contended()).await
    }

    /// Writes the changes of several owners in one transaction. Returns whether it did; whatever is in the way of one
    /// of them is in the way of them all.
    pub(super) async fn commit_together<A: Attributes>(&self, sets: &[ChangeSet<'_, A>]) -> Result<bool> {
        let now = self.clock.timestamp();
        let commit = self.attempt(sets, &client_request_token(now), now).await?;
        Ok(matches!(commit, Some(Commit::Done)))
    }

    /// Sends one transaction, decided at `now`; `None` where it was cancelled for another one.
    async fn attempt<A: Attributes>(
        &self,
        sets: &[ChangeSet<'_, A>],
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Commit<A>>> {
        let mut transaction = Transaction::default();
        for set in sets {
            self.add_changes(&mut transaction, set, now)?;
        }
        let Transaction { parts, items } = transaction;
        let Err(error) = self.transact(items, Some(token.to_owned())).await else {
            return Ok(Some(Commit::Done));
        };
        let Some(reasons) = failure::cancellation(&error) else {
            // Only a cancellation proves that nothing was written: of several attempts the last one's
            // answer is known, and an earlier one may have been committed.
            let error = failure::error("TransactWriteItems", error);
            return match sets.first() {
                Some(set) => self.settle(set, error).await.map(Some),
                None => Err(error),
            };
        };
        let idempotency = sets.iter().find_map(|set| set.remember).map(|(idempotency, _)| idempotency);
        (Cancellation { parts: &parts, reasons }).means(idempotency, now)
    }

    /// Adds all that is written for a set of changes, decided at `now`. A creation has to name what rules it out:
    /// other changes need a record that is there, and an erasure leaves none.
    fn add_changes<A: Attributes>(
        &self,
        transaction: &mut Transaction,
        set: &ChangeSet<'_, A>,
        now: Timestamp,
    ) -> Result<()> {
        let ChangeSet { owner, changes, kept, remember, unless } = *set;
        for change in changes {
            let HistoryEntry { id, revision, .. } = change.entry;
            transaction.put(Part::Record(id, revision), self.put_record(owner, change)?)?;
            transaction.put(Part::Entry, self.put_new(items::from_entry(owner, &change.entry)?))?;
            if let Some(name) = &change.claims.takes {
                transaction.put(Part::TakenName, self.put_new(items::from_claim(owner, name, id)?))?;
            }
            if let Some(name) = &change.claims.frees {
                transaction.delete(Part::FreedName, self.free_name(owner, name, id))?;
            }
        }
        for (id, revision) in kept {
            transaction.parts.push(Part::Kept(*id));
            transaction.items.push(self.check_kept(owner, *id, *revision)?);
        }
        if let (Some((idempotency, outcomes)), Some(first)) = (remember, changes.first()) {
            let request = idempotency.request.clone();
            let remembered =
                Remembered { request, revision: first.entry.revision, outcomes: outcomes.to_vec() };
            transaction.put(Part::Remembered, self.put_remembered(owner, idempotency, remembered, now)?)?;
        }
        if A::Owner::CAN_BE_ERASED && changes.iter().any(Change::creates) {
            transaction.parts.push(Part::Check);
            transaction.items.push(self.check(owner, unless, now)?);
        }
        Ok(())
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

    /// The condition that the last change of a record is this one, or that there has never been one.
    fn check_kept(
        &self,
        owner: &impl Owner,
        id: CategoryId,
        revision: Option<Revision>,
    ) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.categories)
            .set_key(Some(keys::item(owner, keys::category(id))))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let check = match revision {
            Some(revision) => check
                .condition_expression("#revision = :revision")
                .expression_attribute_names("#revision", "revision")
                .expression_attribute_values(":revision", AttributeValue::S(revision.to_string())),
            None => check
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", keys::PARTITION_KEY),
        };
        let check = check.build().map_err(Error::unexpected)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
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
        remembered: Remembered,
        now: Timestamp,
    ) -> Result<PutBuilder> {
        Ok(self
            .put(items::from_remembered(owner, &idempotency.id, remembered, now)?)
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

    /// What this request came to, if it was carried out in the last 24 hours.
    ///
    /// # Errors
    /// [`Error::KeyReused`] where the key was used for another request; or the database's failure.
    pub(super) async fn remembered(
        &self,
        owner: &impl Owner,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Vec<Outcome>>> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        let read = Box::pin(self.item(keys::item(owner, keys::idempotency(&idempotency.id))));
        let Some(item) = self.unless_being_erased(owner, false, read).await? else { return Ok(None) };
        let remembered = items::into_remembered(item, self.clock.timestamp())?;
        remembered.map(|remembered| repeated(idempotency, remembered)).transpose()
    }

    /// Finds out whether changes whose outcome is unknown have been committed: each entry's key is the revision that
    /// was minted for it, and all of them are in one transaction. Where that can't be seen, it stays with the error.
    async fn settle<A: Attributes>(&self, set: &ChangeSet<'_, A>, error: Error) -> Result<Commit<A>> {
        let Some(Change { entry: HistoryEntry { revision, .. }, .. }) = set.changes.first() else {
            return Err(error);
        };
        let entry = self.item(keys::item(set.owner, keys::history(*revision))).await;
        let committed = entry.is_ok_and(|entry| entry.is_some());
        let request_id = log::request_id();
        tracing::warn!(request_id, %revision, committed, "the answer to a write was lost");
        if !committed {
            return Err(error);
        }
        log::outcome_resolved();
        Ok(Commit::Done)
    }
}

/// By which DynamoDB knows the copies of a transaction. It is no change's revision, which an import has again after an
/// erasure.
fn client_request_token(now: Timestamp) -> String {
    Revision::mint(now, None).to_string()
}
