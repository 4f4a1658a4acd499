//! Reading requests. Whatever can be wrong with one ends as [`Error::Invalid`].

use std::borrow::Cow;

use lambda_http::{
    Body, RequestExt,
    http::{Method, header::CONTENT_TYPE},
};
use serde::Serialize;
use tokio::time::{Duration, Instant};

use super::{Operation, Request, event::UndecodableBody, precondition};
use crate::{
    Error, Result,
    domain::{Author, CategoryId, Customer, CustomerId, Fields, IdempotencyKey, OrgId, RecordPath, Terms},
    error::Violation,
};

pub use super::{
    carriers::filter_query,
    precondition::if_none_match,
    query::{as_of_query, no_query, reason_query},
};

const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a batch may have: 100 changes with texts of the usual length, and some of the longest.
const MAX_BATCH_BYTES: usize = 512 * 1024;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What the path of an operation names.
pub trait FromPath: Sized {
    /// `None` only together with a violation.
    fn take(fields: &mut Fields<'_>) -> Option<Self>;

    /// The organisation in the path.
    fn org(&self) -> &OrgId;

    /// The customer in the path, if it is about one.
    fn customer(&self) -> Option<&Customer>;

    /// # Errors
    /// [`Error::Invalid`] with every parameter that is malformed.
    fn from_path(request: &Request) -> Result<Self> {
        let mut fields = path_fields(request);
        let path = Self::take(&mut fields);
        fields.finish(path)
    }
}

impl FromPath for OrgId {
    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        fields.required("org_id", Self::parse)
    }

    fn org(&self) -> &OrgId {
        self
    }

    fn customer(&self) -> Option<&Customer> {
        None
    }
}

impl FromPath for Customer {
    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let org = OrgId::take(fields);
        let id = fields.required("customer_id", CustomerId::parse);
        org.zip(id).map(|(org, id)| Self { org, id })
    }

    fn org(&self) -> &OrgId {
        &self.org
    }

    fn customer(&self) -> Option<&Customer> {
        Some(self)
    }
}

impl<O: FromPath> FromPath for RecordPath<O> {
    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let owner = O::take(fields);
        let id = fields.required("category_id", CategoryId::parse);
        owner.zip(id).map(|(owner, id)| Self { owner, id })
    }

    fn org(&self) -> &OrgId {
        self.owner.org()
    }

    fn customer(&self) -> Option<&Customer> {
        self.owner.customer()
    }
}

fn path_fields(request: &Request) -> Fields<'_> {
    let parameters = request.path_parameters_ref().into_iter().flat_map(|parameters| parameters.iter());
    Fields::new(parameters.map(|(name, value)| (name.to_owned(), Cow::Borrowed(value))).collect())
}

/// The body of a POST or a PUT: at most 64 KiB of JSON.
///
/// # Errors
/// [`Error::Invalid`].
pub fn json_body(request: &Request) -> Result<&[u8]> {
    body(request, &[JSON], MAX_BODY_BYTES)
}

/// The body of a batch: at most 512 KiB of JSON.
///
/// # Errors
/// [`Error::Invalid`].
pub fn batch_body(request: &Request) -> Result<&[u8]> {
    body(request, &[JSON], MAX_BATCH_BYTES)
}

/// The body of a PATCH: at most 64 KiB of JSON merge patch.
///
/// # Errors
/// [`Error::Invalid`].
pub fn merge_patch_body(request: &Request) -> Result<&[u8]> {
    body(request, &[MERGE_PATCH, JSON], MAX_BODY_BYTES)
}

fn body<'a>(request: &'a Request, accepted: &[&str], most: usize) -> Result<&'a [u8]> {
    if let Some(sent) = request.headers().get(CONTENT_TYPE) {
        let essence = sent.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(essence)) {
            return Err(Error::invalid("Content-Type", format!("must be {}", accepted.join(" or "))));
        }
    }
    let body = bytes(request);
    if body.len() > most {
        let problem = format!("must have at most {most} bytes, but has {}", body.len());
        return Err(Error::invalid("body", problem));
    }
    Ok(body)
}

/// When a request's time is up.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(pub Instant);

/// What is left for putting an answer together that has come about bit by bit.
const RESERVE: Duration = Duration::from_millis(250);

/// Until when a request can be worked on whose answer says what could not be done in time.
#[must_use]
pub fn deadline(request: &Request) -> Instant {
    let deadline = request.extensions().get::<Deadline>().map(|Deadline(deadline)| *deadline);
    deadline.and_then(|deadline| deadline.checked_sub(RESERVE)).unwrap_or_else(Instant::now)
}

/// On which terms a change is made: by whom, by `If-Match` or `If-None-Match`, by `Idempotency-Key`. `asked` is what a repetition
/// asks for again; it has to be written the same in every version.
///
/// # Errors
/// [`Error::Invalid`] for a header.
pub fn terms(request: &Request, author: Author, asked: &impl Serialize) -> Result<Terms> {
    let expected = precondition::precondition(request)?;
    let idempotency = match header(request, "Idempotency-Key", IdempotencyKey::parse)? {
        None => None,
        Some(key) => {
            let asked = serde_json::to_string(&(asked, &expected)).map_err(Error::unexpected)?;
            Some(key.mark(&author, &asked))
        }
    };
    Ok(Terms { author, expected, idempotency })
}

/// Refuses what a request can have but `operation` does not act on, where passing it over could harm: a
/// condition that would not be checked, a coding that would not be undone or can't be, a body that would be lost,
/// another method than the one that is carried out.
///
/// # Errors
/// [`Error::Invalid`] with every such header, and the body.
pub fn understood(request: &Request, operation: Operation) -> Result<()> {
    let mut violations = Vec::new();
    for (name, understood, instead) in [
        ("Content-Encoding", false, "must not be sent: a body is taken as it is, without a coding"),
        ("If-Match", operation.is_conditional(), "is not checked here: only PUT, PATCH and DELETE have it"),
        (
            "If-None-Match",
            operation.takes_if_none_match(),
            "is not checked here: only getCategory, getDefinition and setCategory have it",
        ),
        ("If-Unmodified-Since", false, "is not checked: send the `ETag` in `If-Match`"),
        ("X-HTTP-Method-Override", false, "must not be sent: send the method itself"),
    ] {
        if !understood && request.headers().contains_key(name) {
            violations.push(Violation::new(name, instead));
        }
    }
    if request.extensions().get::<UndecodableBody>().is_some() {
        violations.push(Violation::new("body", "is not the Base64 that it is marked as"));
    }
    if !operation.takes_a_body() && !bytes(request).is_empty() {
        let instead = if operation.method() == Method::DELETE {
            "must not be sent: a reason goes into the query, as `?reason=`"
        } else {
            "must not be sent: parameters go into the query"
        };
        violations.push(Violation::new("body", instead));
    }
    if violations.is_empty() { Ok(()) } else { Err(Error::Invalid(violations)) }
}

fn bytes(request: &Request) -> &[u8] {
    match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

/// A header that may be absent; sent several times, it counts as one list.
pub(super) fn header<T>(
    request: &Request,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>> {
    let mut sent = request.headers().get_all(name).iter().peekable();
    if sent.peek().is_none() {
        return Ok(None);
    }
    let text =
        sent.map(|value| value.to_str().ok()).collect::<Option<Vec<_>>>().map(|values| values.join(","));
    text.ok_or_else(|| "must be ASCII".to_owned())
        .and_then(|text| read(&text))
        .map(Some)
        .map_err(|problem| Error::invalid(name, problem))
}
