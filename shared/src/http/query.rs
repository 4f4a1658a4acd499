//! The parameters in a query. What an operation does not know is refused.

use lambda_http::RequestExt;

use super::{Operation, Request, cursor};
use crate::{
    Result,
    clock::Clock,
    domain::{
        CategoryId, Customer, Fields, HistoryFilter, PageRequest, Reason, Revision, RevisionRange, Text,
        Timestamp,
    },
};

/// Items of a page at most, and by default.
const MAX_LIMIT: usize = 1000;

/// The parameters of listCategories.
#[derive(Debug)]
pub struct ListQuery {
    /// Which page is asked for.
    pub page: PageRequest<CategoryId>,
    /// The moment that is asked about; now, if absent.
    pub as_of: Option<Timestamp>,
    scope: String,
}

impl ListQuery {
    /// # Errors
    /// [`Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(clock: &Clock, customer: &Customer, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let as_of = fields.optional("as_of", |text| as_of(clock, text));
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
    /// Which page is asked for.
    pub page: PageRequest<Revision>,
    /// Which entries are asked for.
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
pub fn as_of_query(clock: &Clock, request: &Request) -> Result<Option<Timestamp>> {
    let mut fields = query_fields(request);
    let moment = fields.optional("as_of", |text| as_of(clock, text));
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

fn as_of(clock: &Clock, text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::parse_floor(text)?;
    if moment > clock.timestamp() {
        return Err("must not be in the future".into());
    }
    Ok(moment)
}
