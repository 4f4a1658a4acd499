use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Assignment, Attributes, CategoryId, KeyName, Name, Reason, Record, Revision, RevisionRange, Timestamp,
    Versioned, category::escaped_bytes,
};

/// Who makes a change: the holder of a valid API key, or a name that an operator gives for what was
/// changed in another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author(KeyName);

impl From<KeyName> for Author {
    fn from(name: KeyName) -> Self {
        Self(name)
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a change did to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there before.
    Created,
    /// It was there before and after.
    Updated,
    /// It was there before.
    Deleted,
}

/// How a change left its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After<A> {
    /// It says this.
    State(A),
    /// It is gone.
    Nothing {
        /// Why it was deleted, if that was said.
        reason: Option<Reason>,
    },
}

/// One change of one record, never altered afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry<A> {
    /// The record that was changed.
    pub id: CategoryId,
    /// What happened to it.
    pub change: ChangeKind,
    /// The state after the change.
    pub after: After<A>,
    /// The state before the change; `None` for a creation.
    pub previous: Option<A>,
    /// The name of who made the change.
    pub changed_by: String,
    /// The change that created the record this entry is about.
    pub created: Revision,
    /// The change before, which left `previous`; `None` for a creation, and for a change that was made before
    /// this was kept.
    pub replaces: Option<Revision>,
    /// The change itself; its time is the time of the change.
    pub revision: Revision,
}

impl<A: Attributes> HistoryEntry<A> {
    /// When the change was made.
    #[must_use]
    pub fn changed_at(&self) -> Timestamp {
        self.revision.timestamp()
    }

    /// The record as this change left it.
    #[must_use]
    pub fn into_record(self) -> Record<A> {
        let Self { id, revision, created, .. } = self;
        match self.after {
            After::Nothing { .. } => Record::Deleted { id, revision },
            After::State(attributes) => Record::Live(Versioned { id, attributes, created, revision }),
        }
    }

    /// The record as this change found it: `Some(None)` where there was none, `None` where the entry doesn't
    /// tell.
    #[must_use]
    pub fn record_before(&self) -> Option<Option<Versioned<A>>> {
        let Some(attributes) = self.previous.clone() else { return Some(None) };
        let revision = self.replaces?;
        Some(Some(Versioned { id: self.id, attributes, created: self.created, revision }))
    }

    /// An upper bound of the bytes that the states take in an answer, as [`Attributes::weight`] counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        let after = match &self.after {
            After::State(attributes) => attributes.weight(),
            After::Nothing { reason } => reason.as_ref().map_or(0, |reason| escaped_bytes(reason.as_str())),
        };
        after + self.previous.as_ref().map_or(0, Attributes::weight)
    }
}

/// A decision to be committed whole or not at all.
#[derive(Clone, Debug)]
pub struct Change<A> {
    /// The revision that the decision rests on, a tombstone's included; `None` where nothing must be known of the
    /// record.
    pub replaces: Option<Revision>,
    /// The record after the change.
    pub record: Record<A>,
    /// What history keeps of the change.
    pub entry: HistoryEntry<A>,
    /// The unique names that come and go with it.
    pub claims: Claims,
}

impl<A: Attributes> Change<A> {
    /// Whether the record comes into being by it.
    #[must_use]
    pub fn creates(&self) -> bool {
        self.entry.change == ChangeKind::Created
    }

    /// What has to be allowed by the catalogue before it is made.
    #[must_use]
    pub fn assignment<'a>(&'a self, owner: &'a A::Owner) -> Option<Assignment<'a>> {
        match &self.entry.after {
            After::State(after) => after.assignment(owner, self.entry.id, self.entry.previous.as_ref()),
            After::Nothing { .. } => None,
        }
    }
}

/// Unique names that a change takes and frees. Names are the same where they are equal once folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The name that nobody else may have, folded.
    pub takes: Option<String>,
    /// The name that others may have from now on, folded.
    pub frees: Option<String>,
}

impl Claims {
    pub(super) fn between<A: Attributes>(before: Option<&A>, after: Option<&A>) -> Self {
        let folded = |attributes: Option<&A>| attributes.and_then(A::unique_name).map(Name::folded);
        let (before, after) = (folded(before), folded(after));
        if before == after { Self::default() } else { Self { takes: after, frees: before } }
    }
}

/// Which entries of an owner's history are asked for.
#[derive(Clone, Copy, Debug)]
pub struct HistoryFilter {
    /// Entries of this record alone; of all, if absent.
    pub category: Option<CategoryId>,
    /// Entries with these revisions.
    pub range: RevisionRange,
}
