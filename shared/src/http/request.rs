//! Reading requests. Whatever can be wrong with one ends as [`Error::Invalid`].

use lambda_http::{Body, RequestExt, http::header::CONTENT_TYPE};

use super::{Operation, Request, cursor};
use crate::{
    App, Error, Result,
    domain::{
        CategoryId, CategoryPath, Customer, CustomerId, Fields, HistoryFilter, IdempotencyKey, OrgId,
        PageRequest, Reason, Revision, RevisionRange, Revisions, Text, Timestamp,
    },
};

const MAX_BODY_BYTES: usize = 64 * 1024;
const MAX_LIMIT: usize = 1000;
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What the path of an operation names.
pub trait FromPath: Sized {
    /// # Errors
    /// [`Error::Invalid`] with every parameter that is malformed.
    fn from_path(request: &Request) -> Result<Self>;

    fn org(&self) -> &OrgId;
}

impl FromPath for Customer {
    fn from_path(request: &Request) -> Result<Self> {
        let mut fields = path_fields(request);
        let customer = customer(&mut fields);
        fields.finish(customer)
    }

    fn org(&self) -> &OrgId {
        &self.org
    }
}

impl FromPath for CategoryPath {
    fn from_path(request: &Request) -> Result<Self> {
        let mut fields = path_fields(request);
        let customer = customer(&mut fields);
        let id = fields.required("category_id", CategoryId::parse);
        fields.finish(customer.zip(id).map(|(customer, id)| Self { customer, id }))
    }

    fn org(&self) -> &OrgId {
        &self.customer.org
    }
}

fn path_fields(request: &Request) -> Fields<'_> {
    let parameters = request.path_parameters_ref().into_iter().flat_map(|parameters| parameters.iter());
    Fields::new(parameters.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn customer(fields: &mut Fields<'_>) -> Option<Customer> {
    let org = fields.required("org_id", OrgId::parse);
    let id = fields.required("customer_id", CustomerId::parse);
    org.zip(id).map(|(org, id)| Customer { org, id })
}

/// The body of a POST: at most 64 KiB of JSON.
///
/// # Errors
/// [`Error::Invalid`].
pub fn json_body(request: &Request) -> Result<&[u8]> {
    body(request, &[JSON])
}

/// The body of a PATCH: at most 64 KiB of JSON merge patch.
///
/// # Errors
/// [`Error::Invalid`].
pub fn merge_patch_body(request: &Request) -> Result<&[u8]> {
    body(request, &[MERGE_PATCH, JSON])
}

fn body<'a>(request: &'a Request, accepted: &[&str]) -> Result<&'a [u8]> {
    if let Some(sent) = request.headers().get(CONTENT_TYPE) {
        let essence = sent.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(essence)) {
            return Err(Error::invalid("Content-Type", format!("must be {}", accepted.join(" or "))));
        }
    }
    let body = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if body.len() > MAX_BODY_BYTES {
        return Err(Error::invalid(
            "body",
            format!("must have at most {MAX_BODY_BYTES} bytes, but has {}", body.len()),
        ));
    }
    Ok(body)
}

/// The `Idempotency-Key` header.
///
/// # Errors
/// [`Error::Invalid`].
pub fn idempotency_key(request: &Request) -> Result<Option<IdempotencyKey>> {
    header(request, "Idempotency-Key", IdempotencyKey::parse)
}

/// The revisions that `If-Match` allows; any, where it isn't sent. Comparison is strong, so weak
/// tags match nothing.
///
/// # Errors
/// [`Error::Invalid`].
pub fn if_match(request: &Request) -> Result<Revisions> {
    Ok(header(request, "If-Match", |text| revisions(text, Comparison::Strong))?.unwrap_or(Revisions::Any))
}

/// The revisions that the caller has already, by `If-None-Match`. Comparison is weak.
///
/// # Errors
/// [`Error::Invalid`].
pub fn if_none_match(request: &Request) -> Result<Option<Revisions>> {
    header(request, "If-None-Match", |text| revisions(text, Comparison::Weak))
}

/// A header that may be absent; sent several times, it counts as one list.
fn header<T>(
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

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Strong,
    Weak,
}

/// Reads `*` or a list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3). Tags that are no
/// revisions of ours match nothing.
fn revisions(text: &str, comparison: Comparison) -> Result<Revisions, String> {
    if text.trim() == "*" {
        return Ok(Revisions::Any);
    }
    let mut listed = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(Revisions::OneOf(listed));
        }
        let (weak, tag) = match rest.strip_prefix("W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let (tag, after) = tag
            .strip_prefix('"')
            .and_then(|tag| tag.split_once('"'))
            .filter(|(tag, after)| {
                !tag.contains([' ', '\t']) && (after.is_empty() || after.trim_start().starts_with(','))
            })
            .ok_or("must be `*` or a list of entity tags in double quotes")?;
        if comparison == Comparison::Weak || !weak {
            listed.extend(Revision::parse(tag));
        }
        rest = after;
    }
}

/// The parameters of listCategories.
#[derive(Debug)]
pub struct ListQuery {
    pub page: PageRequest<CategoryId>,
    pub as_of: Option<Timestamp>,
    scope: String,
}

impl ListQuery {
    /// # Errors
    /// [`Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(app: &App, customer: &Customer, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let as_of = fields.optional("as_of", |text| as_of(app, text));
        let scope = format!("{:?} {customer:?} {as_of:?}", Operation::ListCategories);
        let after = fields.optional("cursor", |text| cursor::read(&scope, text));
        fields.finish(Some(Self { page: PageRequest { limit, after }, as_of, scope }))
    }

    /// The cursor to what follows `last`.
    #[must_use]
    pub fn cursor(&self, last: CategoryId) -> String {
        cursor::write(&self.scope, last)
    }
}

/// The parameters of listCategoryHistory.
#[derive(Debug)]
pub struct HistoryQuery {
    pub page: PageRequest<Revision>,
    pub filter: HistoryFilter,
    scope: String,
}

impl HistoryQuery {
    /// # Errors
    /// [`Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(customer: &Customer, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let category = fields.optional("category_id", CategoryId::parse);
        let from = fields.optional("from", Timestamp::parse_ceil);
        let to = fields.optional("to", Timestamp::parse_ceil);
        let range = from.into_iter().fold(RevisionRange::ALL, RevisionRange::from);
        let range = to.into_iter().fold(range, RevisionRange::before);
        let filter = HistoryFilter { category, range };
        let scope = format!("{:?} {customer:?} {filter:?}", Operation::ListCategoryHistory);
        let after = fields.optional("cursor", |text| cursor::read(&scope, text));
        fields.finish(Some(Self { page: PageRequest { limit, after }, filter, scope }))
    }

    /// The cursor to what follows `last`.
    #[must_use]
    pub fn cursor(&self, last: Revision) -> String {
        cursor::write(&self.scope, last)
    }
}

/// The `as_of` parameter of getCategory.
///
/// # Errors
/// [`Error::Invalid`] with every parameter that is malformed or unknown.
pub fn as_of_query(app: &App, request: &Request) -> Result<Option<Timestamp>> {
    let mut fields = query_fields(request);
    let moment = fields.optional("as_of", |text| as_of(app, text));
    fields.finish(Some(moment))
}

/// The `reason` parameter of deleteCategory.
///
/// # Errors
/// [`Error::Invalid`] with every parameter that is malformed or unknown.
pub fn reason_query(request: &Request) -> Result<Option<Reason>> {
    let mut fields = query_fields(request);
    let reason = fields.optional("reason", |text| Text::parse(text.to_owned()));
    fields.finish(Some(reason))
}

/// For operations without parameters in the query.
///
/// # Errors
/// [`Error::Invalid`] with every parameter.
pub fn no_query(request: &Request) -> Result<()> {
    query_fields(request).finish(Some(()))
}

fn query_fields(request: &Request) -> Fields<'_> {
    let parameters =
        request.query_string_parameters_ref().into_iter().flat_map(|parameters| parameters.iter());
    Fields::new(parameters.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn limit(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|limit: &usize| (1..=MAX_LIMIT).contains(limit) && limit.to_string() == text)
        .ok_or_else(|| format!("must be an integer from 1 to {MAX_LIMIT}"))
}

fn as_of(app: &App, text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::parse_floor(text)?;
    if moment > app.clock.timestamp() {
        return Err("must not be in the future".into());
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVISION: &str = "019ab0c8-1234-7abc-8def-0123456789ab";

    #[test]
    fn entity_tags_as_rfc_9110_writes_them() {
        let ours = Revision::parse(REVISION).unwrap();
        let matches = |text: &str, comparison| revisions(text, comparison).map(|listed| listed.contain(ours));
        let strong = |text: &str| matches(text, Comparison::Strong);
        let tag = format!("\"{REVISION}\"");

        assert_eq!(strong("*"), Ok(true));
        assert_eq!(strong(&tag), Ok(true));
        assert_eq!(strong(&format!("\"a,b\" ,, {tag}")), Ok(true));
        assert_eq!(strong(&format!("W/{tag}")), Ok(false));
        assert_eq!(matches(&format!("W/{tag}"), Comparison::Weak), Ok(true));
        assert_eq!(strong("\"xyzzy\""), Ok(false));
        for malformed in [REVISION, "\"open", "\"a\"\"b\"", "*, \"a\"", "w/\"a\"", "\"a b\""] {
            assert!(strong(malformed).is_err(), "{malformed}");
        }
    }
}
