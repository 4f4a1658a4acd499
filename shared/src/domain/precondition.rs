use serde::Serialize;

use super::Revision;
use crate::{Error, Result};

/// Which state of a record a change may be made to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Any.
    None,
    /// There is no record: `If-None-Match: *`.
    Absent,
    /// There is a record at one of these revisions: `If-Match`.
    Revisions(Revisions),
}

impl Precondition {
    /// # Errors
    /// [`Error::PreconditionFailed`] where a record at the `current` revision, or none, is not such a state.
    pub fn require(&self, current: Option<Revision>) -> Result<()> {
        match (self, current) {
            (Self::None, _) | (Self::Absent, None) => Ok(()),
            (Self::Revisions(expected), Some(current)) => expected.require(current),
            (Self::Absent, Some(_)) => {
                Err(Error::PreconditionFailed("there is one already, where `If-None-Match: *` wants none"))
            }
            (Self::Revisions(_), None) => Err(Error::PreconditionFailed(
                "there is none that `If-Match` could name; read again and decide again",
            )),
        }
    }
}

impl Serialize for Precondition {
    /// As its header says it; without one as `If-Match: *`, which says no more to a change that needs a record.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => Revisions::Any.serialize(serializer),
            Self::Absent => "If-None-Match: *".serialize(serializer),
            Self::Revisions(Revisions::Any) => "If-Match: *".serialize(serializer),
            Self::Revisions(revisions) => revisions.serialize(serializer),
        }
    }
}

/// Which revisions a caller will accept (RFC 9110, section 13.1): the entity tags of `If-Match` or
/// `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// Any revision, as long as there is one.
    Any,
    /// One of these.
    OneOf {
        /// The tags that are revisions.
        listed: Vec<Revision>,
        /// The tags that are nearly one, and so match nothing.
        altered: Vec<(Revision, Alteration)>,
    },
}

/// What something between the caller and the service did to an entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// `W/` stands before it.
    Weakened,
    /// Something follows the revision, such as `-gzip`.
    Suffixed,
}

impl Revisions {
    /// Whether `revision` is accepted.
    #[must_use]
    pub fn contain(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf { listed, .. } => listed.contains(&revision),
        }
    }

    /// # Errors
    /// [`Error::PreconditionFailed`] where `revision` is not among them; it says so where the caller means
    /// this revision but sent an altered tag.
    pub fn require(&self, revision: Revision) -> Result<()> {
        let Self::OneOf { listed, altered } = self else { return Ok(()) };
        if listed.contains(&revision) {
            return Ok(());
        }
        let meant = altered.iter().find(|(altered, _)| *altered == revision);
        Err(Error::PreconditionFailed(match meant {
            None => "the current revision is not one that `If-Match` names; read again and decide again",
            Some((_, Alteration::Weakened)) => {
                "`If-Match` names the current revision as a weak tag, which never matches; send it without `W/`"
            }
            Some((_, Alteration::Suffixed)) => {
                "`If-Match` names the current revision with something behind it, as a compressing proxy adds; send \
                 the revision alone"
            }
        }))
    }
}

impl Serialize for Revisions {
    /// `*`, or the accepted revisions in the order in which they were sent.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => "*".serialize(serializer),
            Self::OneOf { listed, .. } => listed.serialize(serializer),
        }
    }
}
