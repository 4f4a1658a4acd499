//! The one way to write: a category and its history entry in one transaction.

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use super::{Store, client, failure, items, keys};
use crate::{
    Error, Result,
    domain::{Change, Customer, Record, Revision},
    error::Fault,
    log,
};

/// How an attempt to commit a change ended, where the database answered.
pub enum Commit {
    Done,
    /// The category is not what the change was decided on, but this.
    Lost(Option<Record>),
    /// Another transaction on the same items was under way.
    Contended,
}

impl Store {
    /// Writes the category and its history entry in one transaction.
    pub(super) async fn commit(&self, customer: &Customer, change: &Change) -> Result<Commit> {
        let category = Put::builder()
            .table_name(&self.tables.categories)
            .set_item(Some(items::from_record(customer, &change.record)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let category = match change.replaces {
            Some(revision) => category
                .condition_expression("#revision = :replaces")
                .expression_attribute_values(":replaces", AttributeValue::S(revision.to_string())),
            None => category
                .condition_expression(
                    "attribute_not_exists(#pk) OR (attribute_not_exists(#created) AND #revision < :revision)",
                )
                .expression_attribute_names("#pk", keys::PARTITION_KEY)
                .expression_attribute_names("#created", "created")
                .expression_attribute_values(
                    ":revision",
                    AttributeValue::S(change.entry.revision.to_string()),
                ),
        };
        let category = category.expression_attribute_names("#revision", "revision").build();
        let entry = Put::builder()
            .table_name(&self.tables.categories)
            .set_item(Some(items::from_entry(customer, &change.entry)?))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .build();

        let sent = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(category.map_err(Error::unexpected)?).build())
            .transact_items(TransactWriteItem::builder().put(entry.map_err(Error::unexpected)?).build())
            .client_request_token(change.entry.revision.to_string())
            .customize()
            .config_override(client::write_config())
            .send()
            .await;
        let Err(error) = sent else { return Ok(Commit::Done) };
        if let Some(reasons) = failure::cancellation(&error) {
            return cancelled(reasons);
        }
        match failure::error("TransactWriteItems", error) {
            error @ (Error::Unavailable(_) | Error::Timeout(_)) => {
                self.settle(customer, change.entry.revision, error).await
            }
            error => Err(error),
        }
    }

    /// Finds out whether a write whose answer was lost has been committed: its entry's key is the
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
        Ok(Commit::Done)
    }
}

/// What the reasons, in the order of the transaction's items, say.
fn cancelled(reasons: &[CancellationReason]) -> Result<Commit> {
    const CONDITION: &str = "ConditionalCheckFailed";
    const CONFLICT: &str = "TransactionConflict";

    let codes: Vec<&str> = reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect();
    match codes.as_slice() {
        // The entry's key is this attempt's own revision, so an earlier send has written it.
        [_, entry] if *entry == CONDITION => Ok(Commit::Done),
        [category, _] if *category == CONDITION => {
            let current = reasons.first().and_then(|reason| reason.item.clone());
            Ok(Commit::Lost(current.map(items::into_record).transpose()?))
        }
        codes if codes.contains(&CONFLICT) => Ok(Commit::Contended),
        codes if codes.iter().any(|code| failure::THROTTLED.contains(code)) => {
            Err(Error::Unavailable(Fault::new(format!("TransactWriteItems: cancelled: {codes:?}"))))
        }
        codes => Err(Error::unexpected(format!("TransactWriteItems: cancelled: {codes:?}"))),
    }
}
