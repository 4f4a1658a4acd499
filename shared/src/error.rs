//! What can go wrong, in terms of the service rather than of HTTP or of DynamoDB.

use std::{borrow::Cow, error, fmt};

/// What an operation answers with, or why it can't.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was refused or failed.
///
/// The texts inside the first eight variants are written for the caller. A [`Fault`] is for the
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
    /// The path exists, the method on it does not.
    MethodNotAllowed {
        /// The methods that do, as an `Allow` header lists them.
        allow: String,
    },
    /// There is such a record already, or another has its name.
    AlreadyExists(Cow<'static, str>),
    /// A definition of a category that customers carry can't be deleted.
    InUse(&'static str),
    /// `If-Match` names another revision than the current one; the text says what to do.
    PreconditionFailed(&'static str),
    /// The `Idempotency-Key` was used for another request.
    KeyReused,
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

/// A description of a failure for the operator's log, with what caused it. It never quotes an item or what
/// a caller sent.
#[derive(Debug)]
pub struct Fault {
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl Violation {
    /// A violation of `field`, which `problem` is a clause about.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl Fault {
    /// A fault whose cause is in the message, if it is known.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// A fault that `source` caused. The texts of the whole chain are logged.
    pub fn caused_by(message: impl Into<String>, source: impl error::Error + Send + Sync + 'static) -> Self {
        Self { message: message.into(), source: Some(Box::new(source)) }
    }
}

/// The text of an error and of all that caused it, joined with colons. A cause that its error's text ends
/// with already is not repeated.
#[must_use]
pub fn chain(error: &dyn error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

impl Error {
    /// A request with a single thing wrong with it.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Violation::new(field, problem).into()
    }

    /// A failure that nobody outside can do anything about.
    pub fn unexpected(fault: impl fmt::Display) -> Self {
        Self::Unexpected(Fault::new(fault.to_string()))
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

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.problem)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Fault {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn error::Error + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => {
                let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
                f.write_str(&violations.join("; "))
            }
            Self::Unauthorized => f.write_str("there is no valid API key"),
            Self::Forbidden(details)
            | Self::NotFound(details)
            | Self::InUse(details)
            | Self::PreconditionFailed(details) => f.write_str(details),
            Self::AlreadyExists(details) => f.write_str(details),
            Self::MethodNotAllowed { allow } => write!(f, "the resource allows {allow}"),
            Self::KeyReused => f.write_str("the idempotency key was used for another request"),
            Self::Unexpected(_) => f.write_str("unexpected failure"),
            Self::Unavailable(_) => f.write_str("the database is unavailable"),
            Self::Timeout(_) => f.write_str("the database did not answer in time"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.fault().map(|fault| fault as &(dyn error::Error + 'static))
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}
