use super::{
    Assignment, Attributes, Author, CategoryId, Change, ChangeKind, New, OrgId, Outcome, Owner, Precondition,
    Reason, Record, Revision, Timestamp, Versioned,
};
use crate::{Error, Result};

/// What is asked of the record under a number.
pub struct Request<'a, A: Attributes> {
    /// The record's number.
    pub id: CategoryId,
    /// What is to be done.
    pub action: Action<'a, A>,
    /// The states that it may be done to.
    pub expected: Precondition,
}

/// What can be done to a record.
pub enum Action<'a, A: Attributes> {
    /// It is to come into being, and must not be there.
    Create(&'a A),
    /// It is to say this, be it there or not.
    Set(&'a A),
    /// It is to be changed, and must be there.
    Patch(&'a A::Patch),
    /// It is to go, for this reason, and must be there.
    Delete(Option<&'a Reason>),
    /// It is to be gone, for this reason, be it there or not.
    Remove(Option<&'a Reason>),
}

/// What a request comes to, given the record as it is.
#[derive(Clone, Debug)]
pub enum Decision<A> {
    /// This has to be committed.
    Change(Box<Change<A>>),
    /// It is as asked for already.
    Nothing(Outcome),
}

impl<A: Attributes> Request<'_, A> {
    /// What the request comes to at `now`.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::NotFound`], [`Error::PreconditionFailed`].
    pub fn decide(&self, record: Option<&Record<A>>, author: &Author, now: Timestamp) -> Result<Decision<A>> {
        let live = match record {
            Some(Record::Live(live)) => Some(live),
            Some(Record::Deleted { .. }) | None => None,
        };
        let present = || live.ok_or(Error::NotFound(A::MISSING));
        let change = match self.action {
            Action::Create(attributes) => match live {
                Some(_) => return Err(Error::AlreadyExists(A::EXISTS.into())),
                None => Some(self.create(attributes, record, author, now)),
            },
            Action::Set(attributes) => {
                self.expected.require(live.map(|live| live.revision))?;
                match live {
                    Some(live) => live.replace(attributes.clone(), author, now),
                    None => Some(self.create(attributes, record, author, now)),
                }
            }
            Action::Patch(patch) => {
                let live = present()?;
                self.expected.require(Some(live.revision))?;
                live.patch(patch, author, now)
            }
            Action::Delete(reason) => Some(self.delete(present()?, reason, author, now)?),
            Action::Remove(reason) => live.map(|live| self.delete(live, reason, author, now)).transpose()?,
        };
        Ok(match (change, live) {
            (Some(change), _) => Decision::Change(Box::new(change)),
            (None, Some(live)) => Decision::Nothing(Outcome::Unchanged(live.revision)),
            (None, None) => Decision::Nothing(Outcome::Absent),
        })
    }

    /// In place of a tombstone, if that is what is known.
    fn create(
        &self,
        attributes: &A,
        tombstone: Option<&Record<A>>,
        author: &Author,
        now: Timestamp,
    ) -> Change<A> {
        let replaces = tombstone.map(Record::revision);
        let new = New { id: self.id, attributes: attributes.clone() };
        Change { replaces, ..new.create(author, Revision::mint(now, replaces)) }
    }

    fn delete(
        &self,
        live: &Versioned<A>,
        reason: Option<&Reason>,
        author: &Author,
        now: Timestamp,
    ) -> Result<Change<A>> {
        self.expected.require(Some(live.revision))?;
        Ok(live.delete(reason.cloned(), author, now))
    }
}

impl<A: Attributes> Decision<A> {
    /// What the request comes to once the change is committed.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let change = match self {
            Self::Nothing(outcome) => return *outcome,
            Self::Change(change) => change,
        };
        let revision = change.entry.revision;
        match change.entry.change {
            ChangeKind::Created => Outcome::Created(revision),
            ChangeKind::Updated => Outcome::Updated(revision),
            ChangeKind::Deleted => Outcome::Deleted(revision),
        }
    }

    /// What has to be committed.
    #[must_use]
    pub fn change(self) -> Option<Change<A>> {
        match self {
            Self::Change(change) => Some(*change),
            Self::Nothing(_) => None,
        }
    }

    /// What has to be allowed by the catalogue before it is committed.
    #[must_use]
    pub fn assignment<'a>(&'a self, owner: &'a A::Owner) -> Option<Assignment<'a>> {
        match self {
            Self::Change(change) => change.assignment(owner),
            Self::Nothing(_) => None,
        }
    }

    /// The category that nothing defines any more once it is committed, and whose it is.
    #[must_use]
    pub fn undefines<'a>(&self, owner: &'a A::Owner) -> Option<(&'a OrgId, CategoryId)> {
        let Self::Change(change) = self else { return None };
        let org = A::defines_for(owner)?;
        matches!(change.record, Record::Deleted { .. }).then_some((org, change.record.id()))
    }

    fn replaces(&self) -> Option<Revision> {
        match self {
            Self::Change(change) => change.replaces,
            Self::Nothing(_) => None,
        }
    }
}

/// What requests about records of one owner come to, in their order. All that changes does so in one millisecond,
/// later than all that it replaces: there is no moment at which half of it was so.
pub fn decide_together<O: Owner>(
    requests: &[Request<'_, O::Attributes>],
    records: &[Option<Record<O::Attributes>>],
    author: &Author,
    now: Timestamp,
) -> Vec<Result<Decision<O::Attributes>>> {
    let decide_at = |moment| {
        let decide = |(request, record): (&Request<'_, _>, &Option<_>)| {
            request.decide(record.as_ref(), author, moment)
        };
        requests.iter().zip(records).map(decide).collect::<Vec<_>>()
    };
    let decided = decide_at(now);
    let replaced = decided.iter().flatten().filter_map(Decision::replaces).map(Revision::timestamp).max();
    match replaced {
        Some(replaced) if requests.len() > 1 && replaced >= now => decide_at(replaced.next_millisecond()),
        _ => decided,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{CategoryAttributes, Customer, KeyName, Text};

    fn author() -> Author {
        Author::from(KeyName::parse("crm").unwrap())
    }

    fn says(value: &str) -> CategoryAttributes {
        CategoryAttributes { value: Some(Text::parse(value.to_owned()).unwrap()), ..Default::default() }
    }

    fn live(id: i32, value: &str, at: u64) -> Record<CategoryAttributes> {
        let revision = Revision::mint(Timestamp::from_millis(at), None);
        let id = CategoryId::new(id);
        Record::Live(Versioned { id, attributes: says(value), created: revision, revision })
    }

    fn tombstone(id: i32, at: u64) -> Record<CategoryAttributes> {
        let revision = Revision::mint(Timestamp::from_millis(at), None);
        Record::Deleted { id: CategoryId::new(id), revision }
    }

    fn set(id: i32, attributes: &CategoryAttributes) -> Request<'_, CategoryAttributes> {
        Request { id: CategoryId::new(id), action: Action::Set(attributes), expected: Precondition::None }
    }

    proptest! {
        #[test]
        fn what_is_decided_together_is_of_one_millisecond_behind_all_that_it_replaces(
            now in 1_000u64..2_000,
            records in prop::collection::vec(prop::option::of((any::<bool>(), 0u64..3_000, "[ab]")), 2..26),
        ) {
            let wanted = says("a");
            let ids = 0..i32::try_from(records.len()).unwrap();
            let requests: Vec<_> = ids.clone().map(|id| set(id, &wanted)).collect();
            let records: Vec<_> = ids.zip(records).map(|(id, record)| {
                record.map(|(is_live, at, value)| {
                    if is_live { live(id, &value, at) } else { tombstone(id, at) }
                })
            }).collect();
            let now = Timestamp::from_millis(now);
            let decided = decide_together::<Customer>(&requests, &records, &author(), now);
            let mut moments = Vec::new();
            for (decision, record) in decided.into_iter().zip(&records) {
                match decision.unwrap() {
                    Decision::Nothing(outcome) => {
                        prop_assert_eq!(Some(outcome), record.as_ref().map(|one| Outcome::Unchanged(one.revision())));
                    }
                    Decision::Change(change) => {
                        let replaced = record.as_ref().map(Record::revision);
                        prop_assert_eq!(change.replaces, replaced);
                        prop_assert!(replaced.is_none_or(|one| one.timestamp() < change.entry.changed_at()));
                        moments.push(change.entry.changed_at());
                    }
                }
            }
            prop_assert!(moments.iter().all(|moment| *moment >= now && *moment == moments[0]), "{moments:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_made_so_whatever_is_there() {
        let wanted = says("gold");
        let outcome = |record: Option<Record<CategoryAttributes>>, action, expected| {
            let request = Request { id: CategoryId::new(7), action, expected };
            request.decide(record.as_ref(), &author(), Timestamp::from_millis(9)).map(|one| one.outcome())
        };
        let set = |record| outcome(record, Action::Set(&wanted), Precondition::None).unwrap();
        assert!(matches!(set(None), Outcome::Created(_)));
        assert!(matches!(set(Some(tombstone(7, 5))), Outcome::Created(_)));
        assert!(matches!(set(Some(live(7, "silver", 5))), Outcome::Updated(_)));
        assert!(matches!(set(Some(live(7, "gold", 5))), Outcome::Unchanged(_)));
        let remove = |record| outcome(record, Action::Remove(None), Precondition::None).unwrap();
        assert_eq!(remove(None), Outcome::Absent);
        assert_eq!(remove(Some(tombstone(7, 5))), Outcome::Absent);
        assert!(matches!(remove(Some(live(7, "gold", 5))), Outcome::Deleted(_)));
        for (record, accepted) in
            [(None, true), (Some(tombstone(7, 5)), true), (Some(live(7, "gold", 5)), false)]
        {
            let created = outcome(record.clone(), Action::Set(&wanted), Precondition::Absent);
            assert_eq!(created.is_ok(), accepted, "{record:?}");
            let created = outcome(record.clone(), Action::Create(&wanted), Precondition::None);
            assert_eq!(created.is_ok(), accepted, "{record:?}");
        }
    }
}
