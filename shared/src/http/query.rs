//! The parameters in a query. What an operation does not know is refused.

use std::{borrow::Cow, collections::HashMap};

use lambda_http::RequestExt;
use percent_encoding::percent_decode_str;

use super::{Request, cursor, event::RawQuery};
use crate::{
    Result,
    clock::{CLOCK_SKEW, Clock},
    domain::{
        CategoryId, Customer, Fields, HistoryFilter, OrgId, Owner, PageRequest, Reason, Revision,
        RevisionRange, Text, Timestamp,
    },
    error::Violation,
};

/// Items of a page at most, and by default.
pub(super) const MAX_LIMIT: usize = 1000;

/// Whose records and changes are listed. What a cursor is bound to has to read the same in every version.
pub trait Listed: Owner {
    /// The operation that lists the records.
    fn list(&self) -> &'static str;

    /// The operation that lists the changes.
    fn history(&self) -> &'static str;
}

impl Listed for Customer {
    fn list(&self) -> &'static str {
        "listCategories"
    }

    fn history(&self) -> &'static str {
        "listCategoryHistory"
    }
}

impl Listed for OrgId {
    fn list(&self) -> &'static str {
        "listDefinitions"
    }

    fn history(&self) -> &'static str {
        "listDefinitionHistory"
    }
}

/// The parameters of a list of records.
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
    /// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(clock: &Clock, owner: &impl Listed, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let as_of = fields.optional("as_of", |text| as_of(clock, text));
        let as_of_ms = as_of.map_or_else(String::new, |moment| moment.as_millis().to_string());
        let scope = format!("{} {owner} {as_of_ms}", owner.list());
        let after = fields.optional("cursor", |text| cursor::read(&scope, text));
        fields.finish(Some(Self { page: PageRequest { limit, after }, as_of, scope }))
    }

    /// The cursor to what follows `position`.
    #[must_use]
    pub fn cursor(&self, position: CategoryId) -> String {
        cursor::write(&self.scope, position)
    }
}

/// The parameters of a list of changes.
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
    /// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(owner: &impl Listed, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let category = fields.optional("category_id", CategoryId::parse);
        let from = fields.optional("from", Timestamp::parse_ceil);
        let to = fields.optional("to", Timestamp::parse_ceil);
        let range = from.into_iter().fold(RevisionRange::ALL, RevisionRange::from);
        let range = to.into_iter().fold(range, RevisionRange::before);
        let filter = HistoryFilter { category, range };
        let id = category.map_or_else(String::new, |id| id.to_string());
        let (first, last) = range.bounds().unwrap_or_default();
        let scope = format!("{} {owner} {id} {first} {last}", owner.history());
        let after = fields.optional("cursor", |text| cursor::read(&scope, text));
        fields.finish(Some(Self { page: PageRequest { limit, after }, filter, scope }))
    }

    /// The cursor to what follows `position`.
    #[must_use]
    pub fn cursor(&self, position: Revision) -> String {
        cursor::write(&self.scope, position)
    }
}

/// The `as_of` parameter of getCategory and getDefinition.
///
/// # Errors
/// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
pub fn as_of_query(clock: &Clock, request: &Request) -> Result<Option<Timestamp>> {
    let mut fields = query_fields(request);
    let moment = fields.optional("as_of", |text| as_of(clock, text));
    fields.finish(Some(moment))
}

/// The `reason` parameter of deleteCategory and deleteDefinition.
///
/// # Errors
/// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
pub fn reason_query(request: &Request) -> Result<Option<Reason>> {
    let mut fields = query_fields(request);
    let reason = fields.optional("reason", |text| Text::parse(text.to_owned()));
    fields.finish(Some(reason))
}

/// For operations without parameters in the query.
///
/// # Errors
/// [`crate::Error::Invalid`] with every parameter.
pub fn no_query(request: &Request) -> Result<()> {
    query_fields(request).finish(Some(()))
}

/// The parameters as they were sent: a gateway that decodes them alters what is no UTF-8.
pub(super) fn query_fields(request: &Request) -> Fields<'_> {
    let Some(RawQuery(query)) = request.extensions().get() else { return Fields::new(decoded(request)) };
    let (mut parameters, mut malformed) = (Vec::new(), Vec::new());
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => parameters.push((name.into_owned(), value)),
            _ => malformed.push(Violation::new(name, "must be percent-encoded UTF-8")),
        }
    }
    Fields::with_violations(parameters, malformed)
}

/// The parameters of an event without the query as it was sent. API Gateway's have that; one written by hand may not.
/// A list without values counts as one empty value. It goes by way of JSON because the map's own iterator panics at
/// such a list.
fn decoded<'a>(request: &Request) -> Vec<(String, Cow<'a, str>)> {
    let map = request.query_string_parameters_ref().and_then(|map| serde_json::to_value(map).ok());
    let lists: HashMap<String, Vec<String>> =
        map.and_then(|map| serde_json::from_value(map).ok()).unwrap_or_default();
    let parameters = lists.into_iter().flat_map(|(name, mut values)| {
        if values.is_empty() {
            values.push(String::new());
        }
        values.into_iter().map(move |value| (name.clone(), Cow::Owned(value)))
    });
    parameters.collect()
}

/// Reads percent-encoded UTF-8 with `+` for a space; `None` where it is something else, such as text with a
/// space, a quotation mark or `<` as they are.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let is_encoded = |byte| matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'~');
    if !text.bytes().all(is_encoded) {
        return None;
    }
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode_str(&spaced)
            .decode_utf8()
            .ok()
            .map(|decoded| Cow::Owned(decoded.into_owned()));
    }
    percent_decode_str(text).decode_utf8().ok()
}

pub(super) fn limit(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|limit: &usize| (1..=MAX_LIMIT).contains(limit) && limit.to_string() == text)
        .ok_or_else(|| format!("must be an integer from 1 to {MAX_LIMIT}"))
}

fn as_of(clock: &Clock, text: &str) -> Result<Timestamp, String> {
    let moment = Timestamp::parse_floor(text)?;
    if clock.timestamp().checked_add(CLOCK_SKEW).is_some_and(|latest| moment > latest) {
        return Err("must not be more than 5 s in the future".into());
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::{super::event, *};
    use crate::domain::CustomerId;

    fn request(query: &str) -> Request {
        let mut request = Request::default();
        request.extensions_mut().insert(RawQuery(query.to_owned()));
        request
    }

    fn customer() -> Customer {
        let id = CustomerId::parse("123e4567-e89b-12d3-a456-556642440000").unwrap();
        Customer { org: OrgId::parse("telco").unwrap(), id }
    }

    /// Another version of the service may have given them out a moment ago.
    #[test]
    fn cursors_stay_valid_from_version_to_version() {
        let list = "limit=10&as_of=2026-11-23T06:46:00Z&cursor=ASwfM-xyTBFl3SyJ0P____k";
        let query = ListQuery::parse(&Clock::default(), &customer(), &request(list)).unwrap();
        assert_eq!(query.page.after, Some(CategoryId::new(-7)));
        let history = "category_id=7&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&cursor=AaMAEImaP7iWrceb8wGiCOj-J3XeoVFWm9qD3m8";
        let query = HistoryQuery::parse(&customer(), &request(history)).unwrap();
        assert_eq!(query.page.after, Revision::parse("01a208e8-fe27-75de-a151-569bda83de6f"));

        let org = customer().org;
        let list = "cursor=AZjnLprQndQGgxMUBv____k";
        let query = ListQuery::parse(&Clock::default(), &org, &request(list)).unwrap();
        assert_eq!(query.page.after, Some(CategoryId::new(-7)));
        let history = "cursor=AcP6jyGCmPkKk5kH4QGiCOj-J3XeoVFWm9qD3m8";
        let query = HistoryQuery::parse(&org, &request(history)).unwrap();
        assert_eq!(query.page.after, Revision::parse("01a208e8-fe27-75de-a151-569bda83de6f"));
    }

    #[test]
    fn values_are_percent_encoded_utf_8_and_never_altered() {
        let reason =
            |query: &str| reason_query(&request(query)).map(|reason| reason.unwrap().as_str().to_owned());
        assert_eq!(reason("reason=a+b%2Bc%C3%A9").unwrap(), "a b+c\u{e9}");
        for malformed in [
            "reason=%FF",
            "reason=%C3",
            "reason=%zz",
            "reason=%",
            "reason=%4",
            "%FF=a",
            "a%=b",
            "reason=a b",
            "reason=\"a\"",
            "reason=<a>",
            "reason=a#b",
            "reason=\u{e9}",
            "reason=\n",
            "<a>=b",
        ] {
            let Err(crate::Error::Invalid(violations)) = reason(malformed) else { panic!("{malformed}") };
            assert_eq!(violations[0].problem, "must be percent-encoded UTF-8", "{malformed}");
        }
        reason("reason=a&reason=b").unwrap_err();
    }

    #[test]
    fn without_the_query_as_it_was_sent_the_decoded_one_counts() {
        let reason = |parameters: &str| {
            let event = format!(
                r#"{{"version": "2.0", "headers": {{}}, "queryStringParameters": {parameters},
                    "requestContext": {{"http": {{"method": "DELETE"}}, "routeKey": "$default"}}}}"#
            );
            let request = event::request_of(serde_json::from_str(&event).unwrap());
            reason_query(&request).map(|reason| reason.map(|reason| reason.as_str().to_owned()))
        };
        assert_eq!(reason("{}").unwrap(), None);
        assert_eq!(reason(r#"{"reason": "contract ended"}"#).unwrap().unwrap(), "contract ended");
        assert_eq!(reason(r#"{"reason": []}"#).unwrap().unwrap(), "");
        for refused in [r#"{"reason": ["a", "b"]}"#, r#"{"other": []}"#] {
            reason(refused).unwrap_err();
        }
    }
}
