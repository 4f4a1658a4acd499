use serde::{Deserialize, Serialize};

use super::Revision;

/// What a request about a record came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "revision", rename_all = "lowercase")]
pub enum Outcome {
    /// The record came into being, by this change.
    Created(Revision),
    /// It says something else than before, by this change.
    Updated(Revision),
    /// It said so already, since this change.
    Unchanged(Revision),
    /// It went, by this change.
    Deleted(Revision),
    /// There was none to delete.
    Absent,
}

impl Outcome {
    /// The record's last change, if it is known.
    #[must_use]
    pub const fn revision(self) -> Option<Revision> {
        match self {
            Self::Created(revision)
            | Self::Updated(revision)
            | Self::Unchanged(revision)
            | Self::Deleted(revision) => Some(revision),
            Self::Absent => None,
        }
    }

    /// How the API and the log call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Updated(_) => "updated",
            Self::Unchanged(_) => "unchanged",
            Self::Deleted(_) => "deleted",
            Self::Absent => "absent",
        }
    }
}
