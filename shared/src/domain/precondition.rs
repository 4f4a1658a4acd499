use super::Revision;
use crate::{Error, Result};

/// Which revisions a caller will accept (RFC 9110, section 13.1): the entity tags of `If-Match` or
/// `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// Any revision, as long as there is one.
    Any,
    /// One of these.
    OneOf(Vec<Revision>),
}

impl Revisions {
    /// Whether `revision` is accepted.
    #[must_use]
    pub fn contain(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(listed) => listed.contains(&revision),
        }
    }

    /// # Errors
    /// [`Error::PreconditionFailed`] where `revision` is not among them.
    pub fn require(&self, revision: Revision) -> Result<()> {
        if self.contain(revision) { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}
