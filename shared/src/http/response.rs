//! Answers that succeed.

use lambda_http::{
    Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use serde::Serialize;

use super::{HistoryQuery, ListQuery, Response};
use crate::{
    Error, Result,
    domain::{
        Attributes, Category, CategoryId, ChangeKind, Customer, Description, HistoryEntry, Page, Reason,
        Revision, Revisions, Timestamp, Value,
    },
};

pub use super::error::answer as error;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a caller holds is personal data, which proxies would cache and hand to others.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A category in the API's form.
#[derive(Serialize)]
pub struct CategoryBody<'a> {
    id: CategoryId,
    #[serde(flatten)]
    attributes: AttributesBody<'a>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Attributes in the API's form: every member is always present, `null` where it is unset.
#[derive(Serialize)]
struct AttributesBody<'a> {
    value: Option<&'a Value>,
    description: Option<&'a Description>,
    reason: Option<&'a Reason>,
}

#[derive(Serialize)]
struct CategoriesBody<'a> {
    categories: Vec<CategoryBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A change in the API's form.
#[derive(Serialize)]
pub struct HistoryEntryBody<'a> {
    id: CategoryId,
    change: ChangeKind,
    #[serde(flatten)]
    attributes: AttributesBody<'a>,
    previous: Option<AttributesBody<'a>>,
    changed_at: Timestamp,
    changed_by: &'a str,
    revision: Revision,
}

#[derive(Serialize)]
struct HistoryBody<'a> {
    history: Vec<HistoryEntryBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> From<&'a Attributes> for AttributesBody<'a> {
    fn from(Attributes { value, description, reason }: &'a Attributes) -> Self {
        Self { value: value.as_ref(), description: description.as_ref(), reason: reason.as_ref() }
    }
}

impl<'a> From<&'a Category> for CategoryBody<'a> {
    fn from(category: &'a Category) -> Self {
        Self {
            id: category.id,
            attributes: (&category.attributes).into(),
            created_at: category.created_at(),
            updated_at: category.updated_at(),
        }
    }
}

impl<'a> From<&'a HistoryEntry> for HistoryEntryBody<'a> {
    fn from(entry: &'a HistoryEntry) -> Self {
        Self {
            id: entry.id,
            change: entry.change,
            attributes: (&entry.attributes).into(),
            previous: entry.previous.as_ref().map(Into::into),
            changed_at: entry.changed_at(),
            changed_by: &entry.changed_by,
            revision: entry.revision,
        }
    }
}

/// 201 with the category's `Location` and `ETag`.
///
/// # Errors
/// None that a caller could cause.
pub fn created(customer: &Customer, id: CategoryId, revision: Revision) -> Result<Response> {
    let Customer { org, id: customer } = customer;
    let location = format!("/v4/orgs/{org}/customers/{customer}/categories/{id}");
    let answer = with_status(StatusCode::CREATED, Body::Empty);
    with_header(with_etag(answer, revision)?, header::LOCATION, &location)
}

/// 200 with the category and its `ETag`; 304 where the caller has this revision already.
///
/// # Errors
/// None that a caller could cause.
pub fn category(category: &Category, held: Option<&Revisions>) -> Result<Response> {
    let answer = match held {
        Some(held) if held.contain(category.revision) => with_status(StatusCode::NOT_MODIFIED, Body::Empty),
        _ => json(&CategoryBody::from(category))?,
    };
    with_etag(answer, category.revision)
}

/// 200 with a page of categories.
///
/// # Errors
/// None that a caller could cause.
pub fn categories(page: &Page<Category, CategoryId>, query: &ListQuery) -> Result<Response> {
    json(&CategoriesBody {
        categories: page.items.iter().map(Into::into).collect(),
        next_cursor: page.end.map(|end| query.cursor(end)),
    })
}

/// 200 with a page of history.
///
/// # Errors
/// None that a caller could cause.
pub fn history(page: &Page<HistoryEntry, Revision>, query: &HistoryQuery) -> Result<Response> {
    json(&HistoryBody {
        history: page.items.iter().map(Into::into).collect(),
        next_cursor: page.end.map(|end| query.cursor(end)),
    })
}

/// 204 with the `ETag` of the category after a change.
///
/// # Errors
/// None that a caller could cause.
pub fn updated(revision: Revision) -> Result<Response> {
    with_etag(no_content(), revision)
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

fn json(body: &impl Serialize) -> Result<Response> {
    let text = serde_json::to_string(body).map_err(Error::unexpected)?;
    let mut answer = with_status(StatusCode::OK, Body::Text(text));
    answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
    Ok(answer)
}

fn with_etag(answer: Response, revision: Revision) -> Result<Response> {
    with_header(answer, header::ETAG, &format!("\"{revision}\""))
}

fn with_header(mut answer: Response, name: HeaderName, value: &str) -> Result<Response> {
    answer.headers_mut().insert(name, HeaderValue::from_str(value).map_err(Error::unexpected)?);
    Ok(answer)
}
