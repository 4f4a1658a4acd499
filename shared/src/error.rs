//! What can go wrong, in terms of the service rather than of HTTP or of DynamoDB.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
///
/// The texts inside the first six variants are written for the caller. A [`Fault`] is for the
/// operator alone: it is logged and never answered.
#[derive(Debug)]
pub enum Error {
    /// The request is malformed; one violation per field or parameter.
    Invalid(Vec<Violation>),
    /// There is no valid API key.
    Unauthorized,
    /// The key is valid, but not for this organisation or not for this kind of operation.
    Forbidden(&'static str),
    /// No such customer, category or route.
    NotFound(&'static str),
    /// The path exists, the method on it does not; `allow` lists those that do.
    MethodNotAllowed { allow: String },
    /// The customer carries this category already.
    AlreadyExists(&'static str),
    /// `If-Match` names another revision than the current one.
    PreconditionFailed,
    /// A bug, a panic, an unreadable record, a misconfigured table or permission.
    Unexpected(Fault),
    /// The database can't be reached, or throttles after all retries.
    Unavailable(Fault),
    /// The database did not answer in time.
    Timeout(Fault),
}

/// One thing wrong with a request: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the field, parameter or header; `body` for the body as a whole.
    pub field: String,
    /// A clause about the field, such as `is required`.
    pub problem: String,
}

/// A description of a failure for the operator's log.
#[derive(Debug)]
pub struct Fault(pub String);

impl Violation {
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.problem)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error {
    /// A request with a single thing wrong with it.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Violation::new(field, problem).into()
    }

    /// A failure that nobody outside can do anything about.
    pub fn unexpected(fault: impl fmt::Display) -> Self {
        Self::Unexpected(Fault(fault.to_string()))
    }

    /// What the operator has to know, where the service or the database failed.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unexpected(fault) | Self::Unavailable(fault) | Self::Timeout(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}
