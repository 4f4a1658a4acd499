use serde::Serialize;

/// What a merge patch (RFC 7396) does to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Patch<T> {
    /// The member is absent: it stays as it is.
    #[default]
    Keep,
    /// The member is `null`: it is cleared.
    Clear,
    /// The member has this value from now on.
    Set(T),
}

impl<T> Patch<T> {
    pub(super) fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Clone> Patch<T> {
    pub(super) fn apply(&self, to: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => to.cloned(),
            Self::Clear => None,
            Self::Set(new) => Some(new.clone()),
        }
    }
}
