//! Answers that succeed.

use lambda_http::{
    Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use serde::Serialize;

use super::{HistoryQuery, ListQuery, Response, error::ErrorBody};
use crate::{
    Error, Result,
    domain::{
        After, Attributes, Batch, CategoryAttributes, CategoryId, ChangeKind, Customer, CustomerId,
        DefinitionAttributes, Description, Failed, HistoryEntry, Made, Name, New, OrgId, Outcome, Page,
        Reason, Revision, Revisions, Timestamp, ValidValues, Value, Versioned,
    },
};

pub use super::{
    carriers::{carrier_count, carriers},
    error::answer as error,
};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The outcome of a change that was not made.
const FAILED: &str = "failed";

/// What a caller holds is personal data, which proxies would cache and hand to others.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What a kind of record looks like in the API.
pub trait Presented: Attributes {
    /// The members that say what the record says. Every one is always present, `null` where it is unset.
    type Members<'a>: Serialize;

    /// The members of a record.
    fn members(&self) -> Self::Members<'_>;

    /// The members of a record that was deleted for this reason.
    fn members_of_deletion(reason: Option<&Reason>) -> Self::Members<'_>;

    /// Where the owner's records are.
    fn collection(owner: &Self::Owner) -> String;
}

/// The members of a customer's category.
#[derive(Default, Serialize)]
pub struct CategoryMembers<'a> {
    value: Option<&'a Value>,
    description: Option<&'a Description>,
    reason: Option<&'a Reason>,
}

/// The members of a definition.
#[derive(Default, Serialize)]
pub struct DefinitionMembers<'a> {
    name: Option<&'a Name>,
    description: Option<&'a Description>,
    valid_values: Option<&'a ValidValues>,
    archived: Option<bool>,
    reason: Option<&'a Reason>,
}

impl Presented for CategoryAttributes {
    type Members<'a> = CategoryMembers<'a>;

    fn members(&self) -> CategoryMembers<'_> {
        let Self { value, description, reason } = self;
        CategoryMembers { value: value.as_ref(), description: description.as_ref(), reason: reason.as_ref() }
    }

    fn members_of_deletion(reason: Option<&Reason>) -> CategoryMembers<'_> {
        CategoryMembers { reason, ..CategoryMembers::default() }
    }

    fn collection(Customer { org, id }: &Customer) -> String {
        format!("/v4/orgs/{org}/customers/{id}/categories")
    }
}

impl Presented for DefinitionAttributes {
    type Members<'a> = DefinitionMembers<'a>;

    fn members(&self) -> DefinitionMembers<'_> {
        let Self { name, description, valid_values, archived, reason } = self;
        DefinitionMembers {
            name: Some(name),
            description: description.as_ref(),
            valid_values: valid_values.as_ref(),
            archived: Some(*archived),
            reason: reason.as_ref(),
        }
    }

    fn members_of_deletion(reason: Option<&Reason>) -> DefinitionMembers<'_> {
        DefinitionMembers { reason, ..DefinitionMembers::default() }
    }

    fn collection(org: &OrgId) -> String {
        format!("/v4/orgs/{org}/categories")
    }
}

/// A record in the API's form.
#[derive(Serialize)]
pub struct RecordBody<M> {
    id: CategoryId,
    #[serde(flatten)]
    members: M,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Serialize)]
struct RecordsBody<M> {
    categories: Vec<RecordBody<M>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A change in the API's form.
#[derive(Serialize)]
pub struct HistoryEntryBody<'a, M> {
    id: CategoryId,
    change: ChangeKind,
    #[serde(flatten)]
    members: M,
    previous: Option<M>,
    changed_at: Timestamp,
    changed_by: &'a str,
    revision: Revision,
}

#[derive(Serialize)]
struct HistoryBody<'a, M> {
    history: Vec<HistoryEntryBody<'a, M>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a, A: Presented> From<&'a Versioned<A>> for RecordBody<A::Members<'a>> {
    fn from(record: &'a Versioned<A>) -> Self {
        Self {
            id: record.id,
            members: record.attributes.members(),
            created_at: record.created_at(),
            updated_at: record.updated_at(),
        }
    }
}

impl<'a, A: Presented> From<&'a HistoryEntry<A>> for HistoryEntryBody<'a, A::Members<'a>> {
    fn from(entry: &'a HistoryEntry<A>) -> Self {
        Self {
            id: entry.id,
            change: entry.change,
            members: match &entry.after {
                After::State(attributes) => attributes.members(),
                After::Nothing { reason } => A::members_of_deletion(reason.as_ref()),
            },
            previous: entry.previous.as_ref().map(A::members),
            changed_at: entry.changed_at(),
            changed_by: &entry.changed_by,
            revision: entry.revision,
        }
    }
}

/// What became of a change of a batch, in the API's form.
#[derive(Serialize)]
struct ChangeResult<'a> {
    customer_id: CustomerId,
    id: CategoryId,
    outcome: &'static str,
    revision: Option<Revision>,
    error: Option<ErrorBody<'a>>,
}

#[derive(Serialize)]
struct ResultsBody<'a> {
    results: Vec<ChangeResult<'a>>,
    failed: usize,
}

/// 200 with what became of each change of a batch.
///
/// # Errors
/// None that a caller could cause.
pub fn changes(batch: &Batch, made: &[Made], docs_url: &str) -> Result<Response> {
    let results = batch.results(made).map(|(customer_id, id, result)| {
        let (outcome, revision, error) = match result {
            Ok(outcome) => (outcome.name(), outcome.revision(), None),
            Err(failed) => (FAILED, None, Some(error_of(failed, docs_url))),
        };
        ChangeResult { customer_id, id, outcome, revision, error }
    });
    let results: Vec<_> = results.collect();
    let failed = results.iter().filter(|result| result.error.is_some()).count();
    json(&ResultsBody { results, failed })
}

fn error_of<'a>(failed: Failed<'_>, docs_url: &str) -> ErrorBody<'a> {
    match failed {
        Failed::For(error) => ErrorBody::of(error, docs_url),
        Failed::WithAnother(error) => {
            ErrorBody::with_details(error, docs_url, "another change of the customer failed".to_owned())
        }
    }
}

/// 201 with the record's `Location` and `ETag`.
///
/// # Errors
/// None that a caller could cause.
pub fn created<A: Presented>(owner: &A::Owner, new: &New<A>, outcome: Outcome) -> Result<Response> {
    let location = format!("{}/{}", A::collection(owner), new.id);
    let answer = with_status(StatusCode::CREATED, Body::Empty);
    with_header(with_outcome(answer, outcome)?, header::LOCATION, &location)
}

/// 200 with the record and its `ETag`; 304 where the caller has this revision already.
///
/// # Errors
/// None that a caller could cause.
pub fn record<A: Presented>(record: &Versioned<A>, held: Option<&Revisions>) -> Result<Response> {
    let answer = match held {
        Some(held) if held.contain(record.revision) => with_status(StatusCode::NOT_MODIFIED, Body::Empty),
        _ => json(&RecordBody::from(record))?,
    };
    with_etag(answer, record.revision)
}

/// 200 with a page of records.
///
/// # Errors
/// None that a caller could cause.
pub fn records<A: Presented>(page: &Page<Versioned<A>, CategoryId>, query: &ListQuery) -> Result<Response> {
    json(&RecordsBody {
        categories: page.items.iter().map(RecordBody::from).collect(),
        next_cursor: page.end.map(|end| query.cursor(end)),
    })
}

/// 200 with a page of history.
///
/// # Errors
/// None that a caller could cause.
pub fn history<A: Presented>(
    page: &Page<HistoryEntry<A>, Revision>,
    query: &HistoryQuery,
) -> Result<Response> {
    json(&HistoryBody {
        history: page.items.iter().map(HistoryEntryBody::from).collect(),
        next_cursor: page.end.map(|end| query.cursor(end)),
    })
}

/// 204 with the `ETag` of the record after a change.
///
/// # Errors
/// None that a caller could cause.
pub fn updated(outcome: Outcome) -> Result<Response> {
    with_outcome(no_content(), outcome)
}

/// 201 or 204, whether there was none before, with the `ETag` of the record after a PUT.
///
/// # Errors
/// None that a caller could cause.
pub fn set(outcome: Outcome) -> Result<Response> {
    let answer = match outcome {
        Outcome::Created(_) => with_status(StatusCode::CREATED, Body::Empty),
        _ => no_content(),
    };
    with_outcome(answer, outcome)
}

/// 204.
#[must_use]
pub fn no_content() -> Response {
    with_status(StatusCode::NO_CONTENT, Body::Empty)
}

pub(super) fn with_status(status: StatusCode, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CACHE_CONTROL, CACHE_CONTROL);
    answer
}

pub(super) fn json(body: &impl Serialize) -> Result<Response> {
    let text = serde_json::to_string(body).map_err(Error::unexpected)?;
    let mut answer = with_status(StatusCode::OK, Body::Text(text));
    answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(answer)
}

fn with_outcome(answer: Response, outcome: Outcome) -> Result<Response> {
    match outcome.revision() {
        Some(revision) => with_etag(answer, revision),
        None => Ok(answer),
    }
}

fn with_etag(answer: Response, revision: Revision) -> Result<Response> {
    with_header(answer, header::ETAG, &format!("\"{revision}\""))
}

fn with_header(mut answer: Response, name: HeaderName, value: &str) -> Result<Response> {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).map_err(Error::unexpected)?);
    Ok(answer)
}
