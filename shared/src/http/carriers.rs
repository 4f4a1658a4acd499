//! The parameters in a query for who carries a category, and the answers.

use serde::Serialize;

use super::{
    Request, Response, cursor,
    query::{MAX_LIMIT, limit, query_fields},
    response,
};
use crate::{
    Result,
    domain::{
        Carrier, CarrierCount, CarrierFilter, CarrierPosition, CustomerId, DefinitionPath, Fields, Page,
        PageRequest, Precision, Text, Timestamp, Value, ValueHash,
    },
};

/// The parameters of a list of carriers.
#[derive(Debug)]
pub struct CarriersQuery {
    /// Which page is asked for.
    pub page: PageRequest<CarrierPosition>,
    /// Which carriers are asked for.
    pub filter: CarrierFilter,
    scope: String,
}

impl CarriersQuery {
    /// # Errors
    /// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
    pub fn parse(path: &DefinitionPath, request: &Request) -> Result<Self> {
        let mut fields = query_fields(request);
        let limit = fields.optional("limit", limit).unwrap_or(MAX_LIMIT);
        let filter = filter(&mut fields);
        let scope = scope(path, &filter);
        let after = fields.optional("cursor", |text| {
            let position: CarrierPosition = cursor::read(&scope, text)?;
            let fits = position.after.is_none_or(|key| filter.admits(&key));
            if fits { Ok(position) } else { Err(cursor::MISFIT.to_owned()) }
        });
        fields.finish(Some(Self { page: PageRequest { limit, after }, filter, scope }))
    }

    /// The cursor to what follows `position`.
    #[must_use]
    pub fn cursor(&self, position: CarrierPosition) -> String {
        cursor::write(&self.scope, position)
    }
}

/// The parameters of a count of carriers.
///
/// # Errors
/// [`crate::Error::Invalid`] with every parameter that is malformed or unknown.
pub fn filter_query(request: &Request) -> Result<CarrierFilter> {
    let mut fields = query_fields(request);
    let filter = filter(&mut fields);
    fields.finish(Some(filter))
}

fn filter(fields: &mut Fields<'_>) -> CarrierFilter {
    let value: Option<Value> = fields.optional("value", |text| Text::parse(text.to_owned()));
    let has_value = fields.optional("has_value", |text| match text {
        _ if value.is_some() => Err("must not be sent together with `value`".to_owned()),
        "true" => Ok(CarrierFilter::AnyValue),
        "false" => Ok(CarrierFilter::NoValue),
        _ => Err("must be true or false".to_owned()),
    });
    let _refused: Option<()> = fields.optional("as_of", |_| {
        Err("must not be sent: who carried a category at a moment can't be looked up by category; \
             listCategories and listCategoryHistory tell it of a customer"
            .to_owned())
    });
    value.map(CarrierFilter::Value).or(has_value).unwrap_or_default()
}

/// What a cursor is bound to. It has to read the same in every version.
fn scope(DefinitionPath { owner, id }: &DefinitionPath, filter: &CarrierFilter) -> String {
    let filter = match filter {
        CarrierFilter::All => String::new(),
        CarrierFilter::Value(value) => format!("value {}", ValueHash::of(value)),
        CarrierFilter::AnyValue => "has_value true".to_owned(),
        CarrierFilter::NoValue => "has_value false".to_owned(),
    };
    format!("listCarriers {owner} {id} {filter}")
}

#[derive(Serialize)]
struct CarrierBody<'a> {
    customer_id: CustomerId,
    value: Option<&'a Value>,
    since: Timestamp,
}

impl<'a> From<&'a Carrier> for CarrierBody<'a> {
    fn from(carrier: &'a Carrier) -> Self {
        Self { customer_id: carrier.customer, value: carrier.value.as_ref(), since: carrier.since() }
    }
}

#[derive(Serialize)]
struct CarriersBody<'a> {
    customers: Vec<CarrierBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct CountBody {
    count: u64,
    precision: Precision,
    counted_at: Timestamp,
}

/// 200 with a page of carriers.
///
/// # Errors
/// None that a caller could cause.
pub fn carriers(page: &Page<Carrier, CarrierPosition>, query: &CarriersQuery) -> Result<Response> {
    response::json(&CarriersBody {
        customers: page.items.iter().map(CarrierBody::from).collect(),
        next_cursor: page.end.map(|end| query.cursor(end)),
    })
}

/// 200 with a count of carriers.
///
/// # Errors
/// None that a caller could cause.
pub fn carrier_count(counted: CarrierCount) -> Result<Response> {
    let CarrierCount { count, precision, counted_at } = counted;
    response::json(&CountBody { count, precision, counted_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error,
        domain::{CarrierKey, CategoryId, OrgId, Shard},
        http::event::RawQuery,
    };

    fn path() -> DefinitionPath {
        DefinitionPath { owner: OrgId::parse("telco").unwrap(), id: CategoryId::new(7) }
    }

    fn parse(query: &str) -> Result<CarriersQuery> {
        let mut request = Request::default();
        request.extensions_mut().insert(RawQuery(query.to_owned()));
        CarriersQuery::parse(&path(), &request)
    }

    /// Behind the customer of the sample events, who is in the last shard, with this value.
    fn position(value: Option<&str>) -> CarrierPosition {
        let customer = CustomerId::parse("123e4567-e89b-12d3-a456-556642440000").unwrap();
        let value = value.map(|value| ValueHash::of(&Text::parse(value.to_owned()).unwrap()));
        CarrierPosition { shard: Shard::of(customer), after: Some(CarrierKey { value, customer }) }
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        for (filter, position) in [
            ("", position(None)),
            ("", position(Some("gold"))),
            ("", CarrierPosition::start_of(Shard::ALL[3])),
            ("value=gold&", position(Some("gold"))),
            ("has_value=true&", position(Some("gold"))),
            ("has_value=false&", position(None)),
        ] {
            let cursor = parse(filter).unwrap().cursor(position);
            assert_eq!(parse(&format!("{filter}cursor={cursor}")).unwrap().page.after, Some(position));
        }
    }

    /// Another version of the service may have given it out a moment ago.
    #[test]
    fn a_cursor_stays_valid_from_version_to_version() {
        let query =
            parse("value=gold&cursor=AYMMMvkIQ3Ho7WfgagcBJNfwPY3Dw2Zpaeb6W7H6xBI-RWfomxLTpFZVZkJEAAA")
                .unwrap();
        assert_eq!(query.page.after, Some(position(Some("gold"))));
    }

    /// The checksum is no secret, so it can be made up with the position.
    #[test]
    fn a_forged_cursor_is_refused_where_its_position_is_none_or_not_in_the_list() {
        let elsewhere = CarrierPosition { shard: Shard::ALL[0], ..position(Some("gold")) };
        for (filter, position) in [
            ("", elsewhere),
            ("value=silver&", position(Some("gold"))),
            ("value=gold&", position(None)),
            ("has_value=true&", position(None)),
            ("has_value=false&", position(Some("gold"))),
        ] {
            let cursor = parse(filter).unwrap().cursor(position);
            let refused = parse(&format!("{filter}cursor={cursor}"));
            assert!(matches!(refused, Err(Error::Invalid(_))), "{filter} {position:?}");
        }
    }
}
