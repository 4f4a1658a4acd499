//! Changes: read, decide, commit on condition that what was decided on is still so.

use std::time::Duration;

use super::{Store, cancellation::Commit, commit::ChangeSet, erasure::Unless};
use crate::{
    Error, Result,
    domain::{
        Action, Attributes, Author, CategoryId, Change, Decision, Idempotency, Made, New, Outcome, Owner,
        Reason, Record, RecordPath, Request, Revision, Terms, Unmade, decide_together,
    },
    error::Fault,
    log,
};

/// How often a change is decided anew after others got in between. Among `n` racing callers one
/// wins each round, so this is far above what a category sees.
pub(super) const MAX_ATTEMPTS: u32 = 40;

const BEING_ERASED: &str = "the customer is being erased";

const IN_USE: &str = "customers carry this category; archive it, so that nobody is given it any more";

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
    ) -> Result<Outcome> {
        // Taken for one that is not there. Where it is, or was, the first transaction finds out.
        let request = request(new.id, Action::Create(&new.attributes), terms);
        self.make_one(owner, request, None, terms).await
    }

    /// Has a record say this, be it there or not.
    ///
    /// # Errors
    /// [`Error::PreconditionFailed`], [`Error::KeyReused`], [`Error::NotFound`] while the owner is being erased,
    /// what the catalogue refuses; or the database's failure.
    pub async fn set<O: Owner>(
        &self,
        path: &RecordPath<O>,
        attributes: &O::Attributes,
        terms: &Terms,
    ) -> Result<Outcome> {
        self.change(path, Action::Set(attributes), terms).await
    }

    /// Applies a merge patch to a record.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::AlreadyExists`] where a name is taken,
    /// [`Error::KeyReused`], what the catalogue refuses; or the database's failure.
    pub async fn update<O: Owner>(
        &self,
        path: &RecordPath<O>,
        patch: &<O::Attributes as Attributes>::Patch,
        terms: &Terms,
    ) -> Result<Outcome> {
        self.change(path, Action::Patch(patch), terms).await
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
    ) -> Result<Outcome> {
        self.change(path, Action::Delete(reason), terms).await
    }

    async fn change<O: Owner>(
        &self,
        path: &RecordPath<O>,
        action: Action<'_, O::Attributes>,
        terms: &Terms,
    ) -> Result<Outcome> {
        let record = self.read(path).await?;
        self.make_one(&path.owner, request(path.id, action, terms), record, terms).await
    }

    async fn make_one<O: Owner>(
        &self,
        owner: &O,
        request: Request<'_, O::Attributes>,
        record: Option<Record<O::Attributes>>,
        terms: &Terms,
    ) -> Result<Outcome> {
        let made = Box::pin(self.make(owner, &[request], vec![record], terms)).await;
        let outcomes = made.map_err(|unmade| match unmade {
            Unmade::Failed(error) => Some(error),
            Unmade::Refused(errors) => errors.into_iter().flatten().next(),
        });
        let nothing_told = || Error::unexpected("a change without an outcome");
        outcomes.map_err(|error| error.unwrap_or_else(nothing_told))?.pop().ok_or_else(nothing_told)
    }

    /// Makes what is asked of one owner's records so, together or not at all: decides on the records as they were
    /// read, and commits on condition that they are still so; again, if somebody else was faster. Returns what each
    /// request came to.
    pub(super) async fn make<O: Owner>(
        &self,
        owner: &O,
        requests: &[Request<'_, O::Attributes>],
        mut records: Vec<Option<Record<O::Attributes>>>,
        terms: &Terms,
    ) -> Made {
        let idempotency = terms.idempotency.as_ref();
        for attempt in 0..MAX_ATTEMPTS {
            let decided = match self.decide(owner, requests, &records, &terms.author).await {
                Ok(decided) => decided,
                Err(unmade) => return self.remembered_or(owner, idempotency, Err(unmade)).await,
            };
            let outcomes: Vec<Outcome> = decided.iter().map(Decision::outcome).collect();
            let kept = kept(requests, &records, &decided);
            let changes: Vec<Change<_>> = decided.into_iter().filter_map(Decision::change).collect();
            if changes.is_empty() {
                return self.remembered_or(owner, idempotency, Ok(outcomes)).await;
            }
            let remember = idempotency.map(|idempotency| (idempotency, outcomes.as_slice()));
            let set =
                ChangeSet { kept: &kept, remember, ..ChangeSet::new(owner, &changes, Unless::BeingErased) };
            match self.commit(&set).await? {
                Commit::Done => return Ok(outcomes),
                Commit::Repeated(outcomes) => return Ok(outcomes),
                Commit::NameTaken(id) => {
                    return self.remembered_or(owner, idempotency, Err(name_taken(id).into())).await;
                }
                Commit::Erased(_) => return Err(Error::NotFound(BEING_ERASED).into()),
                Commit::Lost(found) => {
                    if renew(&mut records, requests, found) {
                        back_off(attempt).await;
                    }
                }
            }
        }
        Err(contended().into())
    }

    /// What requests come to, if the catalogue allows it.
    async fn decide<O: Owner>(
        &self,
        owner: &O,
        requests: &[Request<'_, O::Attributes>],
        records: &[Option<Record<O::Attributes>>],
        author: &Author,
    ) -> Result<Vec<Decision<O::Attributes>>, Unmade> {
        let mut decided = decide_together::<O>(requests, records, author, self.clock.timestamp());
        let assignments = decided.iter().flatten().filter_map(|decision| decision.assignment(owner));
        let rules = self.rules(owner.org(), assignments.map(|assignment| assignment.id)).await?;
        for decision in &mut decided {
            let assignment = decision.as_ref().ok().and_then(|decision| decision.assignment(owner));
            let rule = assignment.and_then(|assignment| Some((rules.get(&assignment.id)?, assignment)));
            if let Some(Err(refusal)) =
                rule.map(|(rule, assignment)| rule.admit(assignment.id, assignment.value))
            {
                *decision = Err(refusal);
            }
        }
        for decision in &mut decided {
            let undefined = decision.as_ref().ok().and_then(|decision| decision.undefines(owner));
            if let Some((org, id)) = undefined
                && self.is_carried(org, id).await?
            {
                *decision = Err(Error::InUse(IN_USE));
            }
        }
        if decided.iter().all(Result::is_ok) {
            return Ok(decided.into_iter().flatten().collect());
        }
        Err(Unmade::Refused(decided.into_iter().map(Result::err).collect()))
    }

    /// What need not be done, or can't be, may be so because the request was carried out before.
    async fn remembered_or(
        &self,
        owner: &impl Owner,
        idempotency: Option<&Idempotency>,
        otherwise: Made,
    ) -> Made {
        match self.remembered(owner, idempotency).await? {
            Some(outcomes) => Ok(outcomes),
            None => otherwise,
        }
    }
}

fn request<'a, A: Attributes>(id: CategoryId, action: Action<'a, A>, terms: &Terms) -> Request<'a, A> {
    Request { id, action, expected: terms.expected.clone() }
}

/// The records of which nothing is to be changed, with their last revisions.
fn kept<A: Attributes>(
    requests: &[Request<'_, A>],
    records: &[Option<Record<A>>],
    decided: &[Decision<A>],
) -> Vec<(CategoryId, Option<Revision>)> {
    let asked = requests.iter().zip(records).zip(decided);
    let kept = asked.filter(|(_, decision)| matches!(decision, Decision::Nothing(_)));
    kept.map(|((request, record), _)| (request.id, record.as_ref().map(Record::revision))).collect()
}

/// Takes over what was found in place of the records that had been read. Returns whether others write the same
/// records now: a tombstone is nobody's who goes on, and what is there is the end of a creation.
fn renew<A: Attributes>(
    records: &mut [Option<Record<A>>],
    requests: &[Request<'_, A>],
    found: Vec<(CategoryId, Option<Record<A>>)>,
) -> bool {
    let mut is_contended = false;
    for (id, found) in found {
        let asked = requests.iter().zip(records.iter_mut()).find(|(request, _)| request.id == id);
        let Some((request, record)) = asked else { continue };
        is_contended |= match found {
            None => true,
            Some(Record::Live(_)) => !matches!(request.action, Action::Create(_)),
            Some(Record::Deleted { .. }) => false,
        };
        *record = found;
    }
    is_contended
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
