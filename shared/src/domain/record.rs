use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    After, Author, CategoryId, Change, ChangeKind, Claims, Customer, HistoryEntry, Name, OrgId, Owner,
    Reason, Revision, Timestamp, Value,
};

/// What a kind of record says, beside its number. A customer's category and a definition of the catalogue are
/// the two kinds. Everything else about a record is the same for both: its revisions, its history, its
/// tombstone.
pub trait Attributes:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Whose records these are.
    type Owner: Owner;

    /// What the body of a PATCH asks for.
    type Patch: Serialize + Sync;

    /// Tells a caller that there is no such record.
    const MISSING: &'static str;

    /// Tells a caller that the owner never had a record.
    const UNKNOWN_OWNER: &'static str;

    /// Tells a caller that there is such a record already.
    const EXISTS: &'static str;

    /// The type of the event that a change of this kind is published as; none, if it is not.
    #[must_use]
    fn event(change: ChangeKind) -> Option<&'static str>;

    /// What they are with `patch` applied.
    #[must_use]
    fn patched(&self, patch: &Self::Patch) -> Self;

    /// An upper bound of the bytes that they take in an answer, once escaped as JSON and once more as a
    /// string in Lambda's own JSON.
    #[must_use]
    fn weight(&self) -> usize;

    /// The name that no other record of the owner may have at the same time, if there is one.
    #[must_use]
    fn unique_name(&self) -> Option<&Name> {
        None
    }

    /// The organisation whose customers can carry what the records define, if that is what these do. Such a record is
    /// not deleted while anybody does.
    #[must_use]
    fn defines_for(_owner: &Self::Owner) -> Option<&OrgId> {
        None
    }

    /// What has to be allowed by the catalogue before `before` becomes this.
    #[must_use]
    fn assignment<'a>(
        &'a self,
        _owner: &'a Self::Owner,
        _id: CategoryId,
        _before: Option<&Self>,
    ) -> Option<Assignment<'a>> {
        None
    }
}

/// A value that a customer is to carry.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'a> {
    /// Who is to carry it.
    pub customer: &'a Customer,
    /// The category.
    pub id: CategoryId,
    /// The value; `None` where the category is carried without one.
    pub value: Option<&'a Value>,
}

/// A record and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<A> {
    /// The number that tells it from the owner's other records.
    pub id: CategoryId,
    /// What it says.
    pub attributes: A,
    /// The change that created it.
    pub created: Revision,
    /// The change that made it what it is.
    pub revision: Revision,
}

/// What is known under a number. A deleted record is remembered by its last revision, so that one created in
/// its place is later than it whatever the clock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<A> {
    /// The owner has it.
    Live(Versioned<A>),
    /// A tombstone: the owner had it once.
    Deleted {
        /// The record's number.
        id: CategoryId,
        /// The change that deleted it.
        revision: Revision,
    },
}

/// A record to be created: the body of POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct New<A> {
    /// The number that the client picked.
    pub id: CategoryId,
    /// What the record is to say.
    #[serde(flatten)]
    pub attributes: A,
}

impl<A: Attributes> New<A> {
    /// The change that creates this record under `revision`.
    #[must_use]
    pub fn create(self, author: &Author, revision: Revision) -> Change<A> {
        let record = Versioned { id: self.id, attributes: self.attributes, created: revision, revision };
        let entry = record.entry(ChangeKind::Created, None, author);
        Change {
            replaces: None,
            claims: Claims::between(None, Some(&record.attributes)),
            record: Record::Live(record),
            entry,
        }
    }
}

impl<A: Attributes> Versioned<A> {
    /// When it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created.timestamp()
    }

    /// When it became what it is.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.revision.timestamp()
    }

    /// The change that `patch` makes, or `None` where it changes nothing.
    #[must_use]
    pub fn patch(&self, patch: &A::Patch, author: &Author, now: Timestamp) -> Option<Change<A>> {
        self.replace(self.attributes.patched(patch), author, now)
    }

    /// The change that has it say this, or `None` where it does already.
    #[must_use]
    pub fn replace(&self, attributes: A, author: &Author, now: Timestamp) -> Option<Change<A>> {
        if attributes == self.attributes {
            return None;
        }
        let revision = Revision::mint(now, Some(self.revision));
        let after = Self { attributes, revision, ..self.clone() };
        let entry = after.entry(ChangeKind::Updated, Some(self), author);
        Some(Change {
            replaces: Some(self.revision),
            claims: Claims::between(Some(&self.attributes), Some(&after.attributes)),
            record: Record::Live(after),
            entry,
        })
    }

    /// The change that deletes it and leaves a tombstone.
    #[must_use]
    pub fn delete(&self, reason: Option<Reason>, author: &Author, now: Timestamp) -> Change<A> {
        let revision = Revision::mint(now, Some(self.revision));
        let last = Self { revision, ..self.clone() };
        let entry = last.entry(ChangeKind::Deleted, Some(self), author);
        Change {
            replaces: Some(self.revision),
            claims: Claims::between(Some(&self.attributes), None),
            record: Record::Deleted { id: self.id, revision },
            entry: HistoryEntry { after: After::Nothing { reason }, ..entry },
        }
    }

    fn entry(&self, change: ChangeKind, previous: Option<&Self>, author: &Author) -> HistoryEntry<A> {
        HistoryEntry {
            id: self.id,
            change,
            after: After::State(self.attributes.clone()),
            previous: previous.map(|previous| previous.attributes.clone()),
            changed_by: author.to_string(),
            created: self.created,
            replaces: previous.map(|previous| previous.revision),
            revision: self.revision,
        }
    }
}

impl<A> Record<A> {
    /// The record's number.
    #[must_use]
    pub fn id(&self) -> CategoryId {
        match self {
            Self::Live(record) => record.id,
            Self::Deleted { id, .. } => *id,
        }
    }

    /// The last change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Live(record) => record.revision,
            Self::Deleted { revision, .. } => *revision,
        }
    }

    /// The record, unless this is a tombstone.
    #[must_use]
    pub fn live(self) -> Option<Versioned<A>> {
        match self {
            Self::Live(record) => Some(record),
            Self::Deleted { .. } => None,
        }
    }
}
