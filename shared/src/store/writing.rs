//! Changes: read, decide, commit on condition that what was decided on is still so.

use std::time::Duration;

use super::{Store, commit::Commit, erasure::Unless};
use crate::{
    Error, Result,
    domain::{
        Attributes, CategoryId, Change, New, Owner, Reason, Record, RecordPath, Revision, Terms, Timestamp,
        Versioned,
    },
    error::Fault,
    log,
};

/// How often a change is decided anew after others got in between. Among `n` racing callers one
/// wins each round, so this is far above what a category sees.
pub(super) const MAX_ATTEMPTS: u32 = 40;

const BEING_ERASED: &str = "the customer is being erased";

const IN_USE: &str = "customers carry this category; archive it, so that nobody is given it any more";

/// What a request comes to, given the record as it is.
enum Decision<A> {
    Change(Box<Change<A>>),
    /// It is as asked for already.
    Unchanged(Revision),
}

impl Store {
    /// Creates a record.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::KeyReused`], [`Error::NotFound`] while the owner is being erased, what
    /// the catalogue refuses; or the database's failure.
    pub async fn create<O: Owner>(
        &self,
        owner: &O,
        new: &New<O::Attributes>,
        terms: &Terms,
    ) -> Result<Revision> {
        let idempotency = terms.idempotency.as_ref();
        let unless = O::CAN_BE_ERASED.then_some(Unless::BeingErased);
        let mut tombstone = None;
        for attempt in 0..MAX_ATTEMPTS {
            let revision = Revision::mint(self.clock.timestamp(), tombstone);
            let change = Change { replaces: tombstone, ..new.clone().create(&terms.author, revision) };
            if let Err(refusal) = self.admit(change.assignment(owner)).await {
                return self.remembered(owner, idempotency).await?.ok_or(refusal);
            }
            tombstone = match self.commit(owner, &change, idempotency, unless).await? {
                Commit::Done(revision) | Commit::Repeated(revision) => return Ok(revision),
                Commit::Lost(Some(Record::Live(_))) => {
                    let exists = Error::AlreadyExists(O::Attributes::EXISTS.into());
                    return self.remembered(owner, idempotency).await?.ok_or(exists);
                }
                Commit::NameTaken(id) => {
                    return self.remembered(owner, idempotency).await?.ok_or(name_taken(id));
                }
                Commit::Erased(_) => return Err(Error::NotFound(BEING_ERASED)),
                Commit::Lost(Some(Record::Deleted { revision, .. })) => Some(revision),
                Commit::Lost(None) => {
                    back_off(attempt).await;
                    None
                }
            };
        }
        Err(contended())
    }

    /// Applies a merge patch to a record; returns its revision afterwards, which is the same as before where
    /// the patch changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::AlreadyExists`] where a name is taken,
    /// [`Error::KeyReused`], what the catalogue refuses; or the database's failure.
    pub async fn update<O: Owner>(
        &self,
        path: &RecordPath<O>,
        patch: &<O::Attributes as Attributes>::Patch,
        terms: &Terms,
    ) -> Result<Revision> {
        self.change(path, terms, |record: &Versioned<O::Attributes>, now| {
            record.patch(patch, &terms.author, now)
        })
        .await
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::KeyReused`], [`Error::InUse`] for a definition of
    /// what is carried; or the database's failure.
    pub async fn delete<O: Owner>(
        &self,
        path: &RecordPath<O>,
        reason: Option<&Reason>,
        terms: &Terms,
    ) -> Result<()> {
        let delete =
            |record: &Versioned<O::Attributes>, now| Some(record.delete(reason.cloned(), &terms.author, now));
        self.change(path, terms, delete).await?;
        Ok(())
    }

    /// Loads, decides, and commits on condition that what was decided on is still so; again, if
    /// somebody else was faster. Returns the record's revision afterwards.
    async fn change<A: Attributes>(
        &self,
        path: &RecordPath<A::Owner>,
        terms: &Terms,
        decide: impl Fn(&Versioned<A>, Timestamp) -> Option<Change<A>>,
    ) -> Result<Revision> {
        let (owner, idempotency) = (&path.owner, terms.idempotency.as_ref());
        let mut record = self.read(path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            let change = match self.decide(owner, record, terms, &decide).await {
                Ok(Decision::Change(change)) => change,
                // What need not be done, or can't be, may be so because the request was carried out before.
                Ok(Decision::Unchanged(revision)) => {
                    return Ok(self.remembered(owner, idempotency).await?.unwrap_or(revision));
                }
                Err(refusal) => return self.remembered(owner, idempotency).await?.ok_or(refusal),
            };
            record = match self.commit(owner, &change, idempotency, None).await? {
                Commit::Done(revision) | Commit::Repeated(revision) => return Ok(revision),
                Commit::NameTaken(id) => {
                    return self.remembered(owner, idempotency).await?.ok_or(name_taken(id));
                }
                Commit::Erased(_) => return Err(Error::NotFound(BEING_ERASED)),
                Commit::Lost(current) => {
                    back_off(attempt).await;
                    current
                }
            };
        }
        Err(contended())
    }

    async fn decide<A: Attributes>(
        &self,
        owner: &A::Owner,
        record: Option<Record<A>>,
        terms: &Terms,
        decide: impl Fn(&Versioned<A>, Timestamp) -> Option<Change<A>>,
    ) -> Result<Decision<A>> {
        let record = record.and_then(Record::live).ok_or(Error::NotFound(A::MISSING))?;
        terms.expected.require(record.revision)?;
        let Some(change) = decide(&record, self.clock.timestamp()) else {
            return Ok(Decision::Unchanged(record.revision));
        };
        self.admit(change.assignment(owner)).await?;
        if let Some(org) = A::defines_for(owner)
            && matches!(change.record, Record::Deleted { .. })
            && self.is_carried(org, record.id).await?
        {
            return Err(Error::InUse(IN_USE));
        }
        Ok(Decision::Change(Box::new(change)))
    }
}

fn name_taken(id: CategoryId) -> Error {
    Error::AlreadyExists(format!("category {id} has this name, or one that looks the same").into())
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
