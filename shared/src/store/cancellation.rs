//! What DynamoDB says of a transaction that it cancelled, and so how the changes in it ended.

use aws_sdk_dynamodb::types::CancellationReason;

use super::{
    erasure::Erased,
    failure,
    items::{self, Item},
    keys,
};
use crate::{
    Error, Result,
    domain::{Attributes, CategoryId, Idempotency, Outcome, Record, Remembered, Revision, Timestamp},
    error::Fault,
};

pub const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";

/// How changes ended, where that is known.
pub enum Commit<A> {
    /// They have been committed.
    Done,
    /// The request was carried out before, and came to this.
    Repeated(Vec<Outcome>),
    /// These records are not what the changes were decided on, but this.
    Lost(Vec<(CategoryId, Option<Record<A>>)>),
    /// The name that a change takes is another record's.
    NameTaken(CategoryId),
    /// The owner is being erased, or was, and that rules a creation out.
    Erased(Erased),
}

/// What an item of the transaction is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The record with this number, and the revision that it is to have.
    Record(CategoryId, Revision),
    /// The record with this number, which is to stay as it is.
    Kept(CategoryId),
    Entry,
    Remembered,
    TakenName,
    FreedName,
    Check,
}

/// Why a transaction was cancelled: a reason for each of its items.
pub struct Cancellation<'a> {
    pub parts: &'a [Part],
    pub reasons: &'a [CancellationReason],
}

impl<'a> Cancellation<'a> {
    /// The items whose conditions did not hold, and what is there in place of each.
    fn failed(&self) -> impl Iterator<Item = (Part, Option<&'a Item>)> {
        let reasons = self.parts.iter().zip(self.reasons);
        let failed = reasons.filter(|(_, reason)| reason.code() == Some(CONDITION_FAILED));
        failed.map(|(part, reason)| (*part, reason.item()))
    }

    /// What is there in place of the item for this, where its condition did not hold.
    fn found(&self, wanted: Part) -> Option<Item> {
        self.failed().find(|(part, _)| *part == wanted).and_then(|(_, found)| found.cloned())
    }

    /// What the records say that are not what was decided on, if there are any.
    fn lost<A: Attributes>(&self) -> Result<Option<Commit<A>>> {
        let mut lost = Vec::new();
        for (part, found) in self.failed() {
            let (Part::Record(id, _) | Part::Kept(id)) = part else { continue };
            let found: Option<Record<A>> = found.cloned().map(items::into_record).transpose()?;
            if let (Part::Record(_, revision), Some(found)) = (part, &found)
                && found.revision() == revision
            {
                return Ok(Some(Commit::Done));
            }
            lost.push((id, found));
        }
        Ok((!lost.is_empty()).then_some(Commit::Lost(lost)))
    }

    /// What it says of the changes; `None` where another transaction on the same items was under way. `now` is the
    /// time that the transaction was decided with.
    pub fn means<A: Attributes>(
        &self,
        idempotency: Option<&Idempotency>,
        now: Timestamp,
    ) -> Result<Option<Commit<A>>> {
        // Before the entries: the same line may have been imported before, and its entry not be erased yet.
        if let Some(found) = self.found(Part::Check) {
            let fence = keys::is_fence(&found);
            let erased = if fence { Erased::UnderWay } else { Erased::Since(items::into_erased_at(found)?) };
            return Ok(Some(Commit::Erased(erased)));
        }
        if self.failed().any(|(part, _)| part == Part::Entry) {
            return Ok(Some(Commit::Done));
        }
        if let (Some(idempotency), Some(item)) = (idempotency, self.found(Part::Remembered))
            && let Some(remembered) = items::into_remembered(item, now)?
        {
            return repeated(idempotency, remembered).map(Commit::Repeated).map(Some);
        }
        if let Some(commit) = self.lost()? {
            return Ok(Some(commit));
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

/// What the request came to that was carried out, if it is the same request.
pub fn repeated(idempotency: &Idempotency, remembered: Remembered) -> Result<Vec<Outcome>> {
    if remembered.request == idempotency.request { Ok(remembered.outcomes()) } else { Err(Error::KeyReused) }
}
