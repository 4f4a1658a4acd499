//! The one error envelope.

use std::{borrow::Cow, collections::HashMap};

use lambda_http::{
    Body,
    http::{HeaderValue, StatusCode, header},
};
use serde::Serialize;

use super::{Response, response};
use crate::{Error, error::Violation};

/// Violations that are told one by one, in a batch of each change. Each takes some 200 bytes, and a body has room for
/// ten thousand.
const MAX_VIOLATIONS: usize = 20;

/// An error of the contract's table. What is fixed about it stands here; what exactly went wrong
/// goes into `details`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// 400: path, query, header or body malformed.
    BadRequest,
    /// 401: no valid API key.
    Unauthorized,
    /// 403: the key is not for this.
    Forbidden,
    /// 404: no such customer, category or route.
    NotFound,
    /// 405: the route has other methods.
    MethodNotAllowed,
    /// 409: the category exists.
    Conflict,
    /// 409: customers carry the category.
    InUse,
    /// 412: another revision than `If-Match` names.
    PreconditionFailed,
    /// 500: a bug or a misconfiguration.
    Unexpected,
    /// 503: the database can't be reached or throttles.
    ConnectionLost,
    /// 504: the database did not answer in time.
    StatementTimeout,
}

impl ErrorCode {
    /// Every code that there is.
    pub const ALL: [Self; 11] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::InUse,
        Self::PreconditionFailed,
        Self::Unexpected,
        Self::ConnectionLost,
        Self::StatementTimeout,
    ];

    /// How an error is answered.
    #[must_use]
    pub const fn of(error: &Error) -> Self {
        match error {
            Error::Invalid(_) => Self::BadRequest,
            Error::Unauthorized => Self::Unauthorized,
            Error::Forbidden(_) => Self::Forbidden,
            Error::NotFound(_) => Self::NotFound,
            Error::MethodNotAllowed { .. } => Self::MethodNotAllowed,
            Error::AlreadyExists(_) | Error::KeyReused => Self::Conflict,
            Error::InUse(_) => Self::InUse,
            Error::PreconditionFailed(_) => Self::PreconditionFailed,
            Error::Unexpected(_) => Self::Unexpected,
            Error::Unavailable(_) => Self::ConnectionLost,
            Error::Timeout(_) => Self::StatementTimeout,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict | Self::InUse => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ConnectionLost => StatusCode::SERVICE_UNAVAILABLE,
            Self::StatementTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The code, such as `MCUS.999.998`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "MCUS.999.998",
            Self::Unauthorized => "MCUS.999.996",
            Self::Forbidden => "MCUS.999.995",
            Self::NotFound => "MCUS.999.997",
            Self::MethodNotAllowed => "MCUS.999.992",
            Self::Conflict => "MCUS.999.994",
            Self::InUse => "MCUS.999.991",
            Self::PreconditionFailed => "MCUS.999.993",
            Self::Unexpected => "MCUS.999.999",
            Self::ConnectionLost => "MCUS.001.005",
            Self::StatementTimeout => "MCUS.001.009",
        }
    }

    /// The fixed title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ConnectionLost | Self::StatementTimeout => "Database error",
            Self::Conflict => "Conflict",
            _ => self.message(),
        }
    }

    /// The fixed message.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Resource not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Conflict => "The resource already exists",
            Self::InUse => "Category in use",
            Self::PreconditionFailed => "Precondition failed",
            Self::Unexpected => "Unexpected error",
            Self::ConnectionLost => "Connection lost",
            Self::StatementTimeout => "Statement timeout",
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    errors: Vec<Element<'a>>,
}

#[derive(Serialize)]
struct Element<'a> {
    error: ErrorBody<'a>,
}

/// An error as it is answered.
#[derive(Serialize)]
pub(super) struct ErrorBody<'a> {
    code: &'a str,
    title: &'a str,
    #[serde(rename = "ref")]
    reference: Cow<'a, str>,
    message: &'a str,
    details: String,
}

impl ErrorBody<'_> {
    /// Of a part of a request that was refused or failed. All that is wrong with it is in one text.
    pub(super) fn of(error: &Error, docs_url: &str) -> Self {
        Self::with_details(error, docs_url, details(error).join("; "))
    }

    /// As [`Self::of`], with other details.
    pub(super) fn with_details(error: &Error, docs_url: &str, details: String) -> Self {
        let code = ErrorCode::of(error);
        Self::new(code, reference(code, docs_url).into(), details)
    }
}

impl<'a> ErrorBody<'a> {
    fn new(code: ErrorCode, reference: Cow<'a, str>, details: String) -> Self {
        let (code, title, message) = (code.code(), code.title(), code.message());
        Self { code, title, reference, message, details }
    }
}

fn reference(code: ErrorCode, docs_url: &str) -> String {
    format!("{docs_url}#{}", code.code())
}

/// The answer to a request that was refused or failed. Faults stay inside.
#[must_use]
pub fn answer(error: &Error, docs_url: &str) -> Response {
    let code = ErrorCode::of(error);
    let reference = reference(code, docs_url);
    let elements = details(error)
        .into_iter()
        .map(|details| Element { error: ErrorBody::new(code, Cow::Borrowed(&reference), details) });
    let body = serde_json::to_string(&Envelope { errors: elements.collect() }).unwrap_or_default();
    let mut answer = response::with_status(code.status(), Body::Text(body));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, response::JSON);
    match error {
        // RFC 9110, section 15.5.2, wants a challenge; no registered scheme is a key in a header.
        Error::Unauthorized => {
            let challenge = HeaderValue::from_static("ApiKey realm=\"customers-categories\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Error::MethodNotAllowed { allow } => {
            headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (header::ALLOW, allow)));
        }
        Error::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    answer
}

fn details(error: &Error) -> Vec<String> {
    let details = match error {
        Error::Invalid(violations) => return first(violations),
        Error::Unauthorized => "a valid API key is required in the header `x-auth-roles`",
        Error::Forbidden(details)
        | Error::NotFound(details)
        | Error::InUse(details)
        | Error::PreconditionFailed(details) => details,
        Error::AlreadyExists(details) => return vec![details.to_string()],
        Error::KeyReused => {
            "the `Idempotency-Key` was sent with another request in the last 24 hours; each request has a key of \
             its own"
        }
        Error::MethodNotAllowed { allow } => return vec![format!("this resource allows {allow}")],
        Error::Unexpected(_) => "the failure has been logged",
        Error::Unavailable(_) => "the database can't be reached or is overloaded; try again",
        Error::Timeout(_) => "the database did not answer in time; try again",
    };
    vec![details.to_owned()]
}

/// The first violations, and how many more there are.
fn first(violations: &[Violation]) -> Vec<String> {
    let mut told_of: HashMap<&str, usize> = HashMap::new();
    let mut details = Vec::new();
    for violation in violations {
        let (element, _) = violation.field.split_once("].").unwrap_or_default();
        let told = told_of.entry(element).or_default();
        if *told < MAX_VIOLATIONS {
            *told += 1;
            details.push(violation.to_string());
        }
    }
    let more = violations.len().saturating_sub(details.len());
    if more > 0 {
        details.push(format!("and {more} more, to be told once these are mended"));
    }
    details
}
