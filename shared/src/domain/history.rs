use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Attributes, Category, CategoryId, KeyName, Record, Revision, RevisionRange, Timestamp};

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

/// What a change did to its category.
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

/// One change of one category, never altered afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The category that was changed.
    pub id: CategoryId,
    /// What happened to it.
    pub change: ChangeKind,
    /// The state after the change; after a deletion only the reason given for it.
    pub attributes: Attributes,
    /// The state before the change; `None` for a creation.
    pub previous: Option<Attributes>,
    /// The name of who made the change.
    pub changed_by: String,
    /// The change that created the category this entry is about.
    pub created: Revision,
    /// The change before, which left `previous`; `None` for a creation, and for a change that was made before
    /// this was kept.
    pub replaces: Option<Revision>,
    /// The change itself; its time is the time of the change.
    pub revision: Revision,
}

impl HistoryEntry {
    /// When the change was made.
    #[must_use]
    pub fn changed_at(&self) -> Timestamp {
        self.revision.timestamp()
    }

    /// The category as this change left it.
    #[must_use]
    pub fn into_record(self) -> Record {
        let Self { id, revision, .. } = self;
        match self.change {
            ChangeKind::Deleted => Record::Deleted { id, revision },
            ChangeKind::Created | ChangeKind::Updated => {
                Record::Live(Category { id, attributes: self.attributes, created: self.created, revision })
            }
        }
    }

    /// The category as this change found it: `Some(None)` where there was none, `None` where the entry
    /// doesn't tell.
    #[must_use]
    pub fn category_before(&self) -> Option<Option<Category>> {
        let Some(attributes) = self.previous.clone() else { return Some(None) };
        let revision = self.replaces?;
        Some(Some(Category { id: self.id, attributes, created: self.created, revision }))
    }
}

/// A decision to be committed whole or not at all.
#[derive(Clone, Debug)]
pub struct Change {
    /// The revision that the decision rests on, a tombstone's included; `None` where nothing must be known of the
    /// category.
    pub replaces: Option<Revision>,
    /// The category's record after the change.
    pub record: Record,
    /// What history keeps of the change.
    pub entry: HistoryEntry,
}

/// Which entries of a customer's history are asked for.
#[derive(Clone, Copy, Debug)]
pub struct HistoryFilter {
    /// Entries of this category alone; of all, if absent.
    pub category: Option<CategoryId>,
    /// Entries with these revisions.
    pub range: RevisionRange,
}
