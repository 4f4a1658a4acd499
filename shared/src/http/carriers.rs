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
