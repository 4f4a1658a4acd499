//! Changes: read, decide, commit on condition that what was decided on is still so.

use std::time::Duration;

use super::{Store, commit::Commit, reading::NO_CATEGORY};
use crate::{
    Error, Result,
    domain::{
        Author, Category, CategoryPatch, CategoryPath, Change, Customer, Idempotency, NewCategory, Reason,
        Record, Revision, Revisions, Timestamp,
    },
    error::Fault,
    log,
};

/// How often a change is decided anew after others got in between. Among `n` racing callers one
/// wins each round, so this is far above what a category sees.
pub(super) const MAX_ATTEMPTS: u32 = 40;

impl Store {
    /// Creates a category. A repetition of the POST that created the one that exists is answered
    /// with the revision it was answered with then.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; or the database's failure.
    pub async fn create(
        &self,
        customer: &Customer,
        new: NewCategory,
        idempotency: Option<Idempotency>,
        author: &Author,
    ) -> Result<Revision> {
        let mut after = None;
        for attempt in 0..MAX_ATTEMPTS {
            let revision = Revision::mint(self.clock.timestamp(), after);
            let change = new.clone().create(idempotency.clone(), author, revision);
            match self.commit(customer, &change).await? {
                Commit::Done => return Ok(revision),
                Commit::Lost(Some(Record::Live(existing))) => {
                    let repeated = idempotency.is_some() && existing.idempotency == idempotency;
                    return if repeated {
                        Ok(existing.created)
                    } else {
                        Err(Error::AlreadyExists("the customer has this category already"))
                    };
                }
                Commit::Lost(Some(Record::Deleted { revision, .. })) => after = Some(revision),
                Commit::Lost(None) | Commit::Contended => back_off(attempt).await,
            }
        }
        Err(contended())
    }

    /// Applies a merge patch to a category that is among `expected`; returns its revision
    /// afterwards, which is the same as before where the patch changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`]; or the database's failure.
    pub async fn update(
        &self,
        path: &CategoryPath,
        patch: &CategoryPatch,
        expected: &Revisions,
        author: &Author,
    ) -> Result<Revision> {
        self.change(path, expected, |category, now| category.patch(patch, author, now)).await
    }

    /// Deletes a category that is among `expected`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`]; or the database's failure.
    pub async fn delete(
        &self,
        path: &CategoryPath,
        reason: Option<Reason>,
        expected: &Revisions,
        author: &Author,
    ) -> Result<()> {
        self.change(path, expected, |category, now| Some(category.delete(reason.clone(), author, now)))
            .await?;
        Ok(())
    }

    /// Loads, decides, and commits on condition that what was decided on is still so; again, if
    /// somebody else was faster. Returns the category's revision afterwards.
    async fn change(
        &self,
        path: &CategoryPath,
        expected: &Revisions,
        decide: impl Fn(&Category, Timestamp) -> Option<Change>,
    ) -> Result<Revision> {
        let mut record = self.read(path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            let category = record.and_then(Record::live).ok_or(Error::NotFound(NO_CATEGORY))?;
            expected.require(category.revision)?;
            let Some(change) = decide(&category, self.clock.timestamp()) else {
                return Ok(category.revision);
            };
            record = match self.commit(&path.customer, &change).await? {
                Commit::Done => return Ok(change.record.revision()),
                Commit::Lost(current) => {
                    back_off(attempt).await;
                    current
                }
                Commit::Contended => {
                    back_off(attempt).await;
                    self.read(path).await?
                }
            };
        }
        Err(contended())
    }
}

pub(super) fn contended() -> Error {
    Error::Unavailable(Fault::new(format!("gave up after {MAX_ATTEMPTS} attempts against other writers")))
}

/// Another writer was faster: waits a random time below 5 ms, doubling with every attempt up to
/// 160 ms ("full jitter").
pub(super) async fn back_off(attempt: u32) {
    log::conflict();
    let longest = 5_u64 << attempt.min(5);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..longest))).await;
}
