//! Changes: read, decide, commit on condition that what was decided on is still so.

use std::time::Duration;

use super::{Store, commit::Commit, erasure::Unless, reading::NO_CATEGORY};
use crate::{
    Error, Result,
    domain::{
        Category, CategoryPatch, CategoryPath, Change, Customer, NewCategory, Reason, Record, Revision,
        Terms, Timestamp,
    },
    error::Fault,
    log,
};

/// How often a change is decided anew after others got in between. Among `n` racing callers one
/// wins each round, so this is far above what a category sees.
pub(super) const MAX_ATTEMPTS: u32 = 40;

/// What a request comes to, given the category as it is.
enum Decision {
    Change(Box<Change>),
    /// It is as asked for already.
    Unchanged(Revision),
}

const BEING_ERASED: &str = "the customer is being erased";
const EXISTS: &str = "the customer has this category already";

impl Store {
    /// Creates a category.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::KeyReused`], [`Error::NotFound`] while the customer is being erased; or the database's failure.
    pub async fn create(&self, customer: &Customer, new: &NewCategory, terms: &Terms) -> Result<Revision> {
        let mut after = None;
        for attempt in 0..MAX_ATTEMPTS {
            let revision = Revision::mint(self.clock.timestamp(), after);
            let change = new.clone().create(&terms.author, revision);
            let idempotency = terms.idempotency.as_ref();
            match self.commit(customer, &change, idempotency, Some(Unless::BeingErased)).await? {
                Commit::Done(revision) | Commit::Repeated(revision) => return Ok(revision),
                Commit::Lost(Some(Record::Live(_))) => return Err(Error::AlreadyExists(EXISTS)),
                Commit::Lost(Some(Record::Deleted { revision, .. })) => after = Some(revision),
                Commit::Lost(None) | Commit::Contended => back_off(attempt).await,
                Commit::Erased(_) => return Err(Error::NotFound(BEING_ERASED)),
            }
        }
        Err(contended())
    }

    /// Applies a merge patch to a category; returns its revision afterwards, which is the same as before
    /// where the patch changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::KeyReused`]; or the database's failure.
    pub async fn update(
        &self,
        path: &CategoryPath,
        patch: &CategoryPatch,
        terms: &Terms,
    ) -> Result<Revision> {
        self.change(path, terms, |category, now| category.patch(patch, &terms.author, now)).await
    }

    /// Deletes a category.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::KeyReused`]; or the database's failure.
    pub async fn delete(&self, path: &CategoryPath, reason: Option<&Reason>, terms: &Terms) -> Result<()> {
        self.change(path, terms, |category, now| Some(category.delete(reason.cloned(), &terms.author, now)))
            .await?;
        Ok(())
    }

    /// Loads, decides, and commits on condition that what was decided on is still so; again, if
    /// somebody else was faster. Returns the category's revision afterwards.
    async fn change(
        &self,
        path: &CategoryPath,
        terms: &Terms,
        decide: impl Fn(&Category, Timestamp) -> Option<Change>,
    ) -> Result<Revision> {
        let idempotency = terms.idempotency.as_ref();
        let mut record = self.read(path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            let change = match self.decide(record, terms, &decide) {
                Ok(Decision::Change(change)) => change,
                // What need not be done, or can't be, may be so because the request was carried out before.
                Ok(Decision::Unchanged(revision)) => {
                    return Ok(self.remembered(&path.customer, idempotency).await?.unwrap_or(revision));
                }
                Err(refusal) => return self.remembered(&path.customer, idempotency).await?.ok_or(refusal),
            };
            record = match self.commit(&path.customer, &change, idempotency, None).await? {
                Commit::Done(revision) | Commit::Repeated(revision) => return Ok(revision),
                Commit::Lost(current) => {
                    back_off(attempt).await;
                    current
                }
                Commit::Contended => {
                    back_off(attempt).await;
                    self.read(path).await?
                }
                Commit::Erased(_) => return Err(Error::NotFound(BEING_ERASED)),
            };
        }
        Err(contended())
    }

    fn decide(
        &self,
        record: Option<Record>,
        terms: &Terms,
        decide: impl Fn(&Category, Timestamp) -> Option<Change>,
    ) -> Result<Decision> {
        let category = record.and_then(Record::live).ok_or(Error::NotFound(NO_CATEGORY))?;
        terms.expected.require(category.revision)?;
        let change = decide(&category, self.clock.timestamp());
        Ok(change.map_or(Decision::Unchanged(category.revision), |change| Decision::Change(Box::new(change))))
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
