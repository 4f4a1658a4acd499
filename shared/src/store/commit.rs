//! The one way to write: a category, its history entry, and what is remembered of the request, in one
//! transaction.

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    builders::PutBuilder,
};

use super::{
    Store, client,
    erasure::{Erased, Unless},
    failure,
    items::{self, Item},
    keys,
};
use crate::{
    Error, Result,
    domain::{Change, Customer, Idempotency, Record, Remembered, Revision},
    error::Fault,
    log,
};

pub const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

/// How an attempt to commit a change ended, where that is known.
pub enum Commit {
    /// This change has been committed.
    Done(Revision),
    /// The request was carried out before, by the change with this revision.
    Repeated(Revision),
    /// The category is not what the change was decided on, but this.
    Lost(Option<Record>),
    /// Another transaction on the same items was under way.
    Contended,
    /// The customer is being erased, or was, and that rules the change out.
    Erased(Erased),
}

impl Store {
    /// Writes the category, its history entry and, for a request that may be repeated, what is remembered of
    /// it, in one transaction; `unless` rules it out. A creation has to name what does: other changes need a
    /// category that is there, and an erasure leaves none.
    pub(super) async fn commit(
        &self,
        customer: &Customer,
        change: &Change,
        idempotency: Option<&Idempotency>,
        unless: Option<Unless>,
    ) -> Result<Commit> {
        let revision = change.entry.revision;
        let mut puts = vec![self.put_record(customer, change)?, self.put_entry(customer, change)?];
        if let Some(idempotency) = idempotency {
            puts.push(self.put_remembered(customer, idempotency, revision)?);
        }
        let mut items = Vec::with_capacity(puts.len() + 1);
        for put in puts {
            items.push(TransactWriteItem::builder().put(put.build().map_err(Error::unexpected)?).build());
        }
        let check = unless.map(|unless| (items.len(), unless));
        if let Some(unless) = unless {
            items.push(self.check(customer, unless)?);
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(revision.to_string())
            .customize()
            .config_override(client::write_config())
            .send()
            .await;
        let Err(error) = sent else { return Ok(Commit::Done(revision)) };
        if let Some(reasons) = failure::cancellation(&error) {
            return self.cancelled(reasons, revision, idempotency, check);
        }
        // Only a cancellation proves that nothing was written: of several attempts the last one's answer is
        // known, and an earlier one may have been committed.
        self.settle(customer, revision, failure::error("TransactWriteItems", error)).await
    }

    /// On condition that the category is what the change was decided on.
    fn put_record(&self, customer: &Customer, change: &Change) -> Result<PutBuilder> {
        let put = self
            .put(items::from_record(customer, &change.record)?)
            .expression_attribute_names("#revision", "revision")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(match change.replaces {
            Some(revision) => put
                .condition_expression("#revision = :replaces")
                .expression_attribute_values(":replaces", AttributeValue::S(revision.to_string())),
            None => put
                .condition_expression(
                    "attribute_not_exists(#pk) OR (attribute_not_exists(#created) AND #revision < :revision)",
                )
                .expression_attribute_names("#pk", keys::PARTITION_KEY)
                .expression_attribute_names("#created", "created")
                .expression_attribute_values(
                    ":revision",
                    AttributeValue::S(change.entry.revision.to_string()),
                ),
        })
    }

    /// On condition that it is new: its key is the revision that was minted for this change.
    fn put_entry(&self, customer: &Customer, change: &Change) -> Result<PutBuilder> {
        Ok(self
            .put(items::from_entry(customer, &change.entry)?)
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PARTITION_KEY))
    }

    /// On condition that the caller has not used the key in the last 24 hours.
    fn put_remembered(
        &self,
        customer: &Customer,
        idempotency: &Idempotency,
        revision: Revision,
    ) -> Result<PutBuilder> {
        let now = self.clock.timestamp();
        Ok(self
            .put(items::from_remembered(customer, idempotency, revision, now)?)
            .condition_expression("attribute_not_exists(#pk) OR #expires <= :now")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#expires", keys::EXPIRES)
            .expression_attribute_values(":now", AttributeValue::N(items::unix_seconds(now).to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    pub(super) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.tables.categories).set_item(Some(item))
    }

    /// What the reasons, in the order of the transaction's items, say. `check` is where what rules a creation out
    /// is among them.
    fn cancelled(
        &self,
        reasons: &[CancellationReason],
        revision: Revision,
        idempotency: Option<&Idempotency>,
        check: Option<(usize, Unless)>,
    ) -> Result<Commit> {
        let code = |at: usize| reasons.get(at).and_then(CancellationReason::code).unwrap_or_default();
        let item = |at: usize| reasons.get(at).and_then(|reason| reason.item.clone());
        if code(1) == CONDITION_FAILED {
            return Ok(Commit::Done(revision));
        }
        if let Some((at, unless)) = check
            && code(at) == CONDITION_FAILED
        {
            let since =
                item(at).filter(|_| unless == Unless::Erased).map(items::into_erased_at).transpose()?;
            return Ok(Commit::Erased(since.map_or(Erased::UnderWay, Erased::Since)));
        }
        if code(2) == CONDITION_FAILED
            && let (Some(idempotency), Some(item)) = (idempotency, item(2))
            && let Some(remembered) = items::into_remembered(item, self.clock.timestamp())?
        {
            return repeated(idempotency, &remembered).map(Commit::Repeated);
        }
        if code(0) == CONDITION_FAILED {
            let current = item(0).map(items::into_record).transpose()?;
            let is_own = current.as_ref().is_some_and(|current| current.revision() == revision);
            return Ok(if is_own { Commit::Done(revision) } else { Commit::Lost(current) });
        }
        let codes: Vec<&str> = (0..reasons.len()).map(code).collect();
        // What is remembered expired between the check and this look at it.
        if codes.contains(&CONFLICT) || codes.contains(&CONDITION_FAILED) {
            return Ok(Commit::Contended);
        }
        let fault = Fault::new(format!("TransactWriteItems: cancelled: {codes:?}"));
        Err(if codes.iter().any(|code| failure::THROTTLED.contains(code)) {
            Error::Unavailable(fault)
        } else {
            Error::Unexpected(fault)
        })
    }

    /// What is remembered of this request, if it was carried out in the last 24 hours.
    ///
    /// # Errors
    /// [`Error::KeyReused`] where the key was used for another request, [`Error::NotFound`] for a customer who is
    /// being erased; or the database's failure.
    pub(super) async fn remembered(
        &self,
        customer: &Customer,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Revision>> {
        let Some(idempotency) = idempotency else { return Ok(None) };
        let read = Box::pin(self.item(keys::item(customer, keys::idempotency(&idempotency.id))));
        let Some(item) = self.unless_being_erased(customer, false, read).await? else { return Ok(None) };
        let remembered = items::into_remembered(item, self.clock.timestamp())?;
        remembered.map(|remembered| repeated(idempotency, &remembered)).transpose()
    }

    /// Finds out whether a write whose outcome is unknown has been committed: its entry's key is the
    /// revision that was minted for it. Where that can't be seen, it stays with the error.
    async fn settle(&self, customer: &Customer, revision: Revision, error: Error) -> Result<Commit> {
        let entry = self.item(keys::item(customer, keys::history(revision))).await;
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
