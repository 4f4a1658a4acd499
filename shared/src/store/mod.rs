//! The only home of table names, keys, expressions and transactions.

mod api_keys;
mod cache;
mod carriers;
pub mod client;
mod commit;
mod dns;
mod erasure;
mod failure;
mod history;
mod items;
mod key_cache;
mod keys;
mod moving;
mod operator;
mod probe;
mod range_query;
mod reading;
mod reindex;
mod restoration;
mod rules;
mod scan;
mod schema;
mod stats;
mod survey;
mod writing;

use std::sync::Arc;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

pub use self::{
    carriers::COUNTING_TIME,
    erasure::{Erasure, Unless},
    moving::{OfCustomers, OfOrg, OrgItems},
    operator::{CustomerItems, Held, Import, ItemCounts},
    probe::Probe,
    restoration::Restored,
    scan::{ScanPosition, Scanned, TableSize},
    stats::{Counted, CountedKind},
    survey::Carried,
};

use self::{cache::Cache, items::Item, range_query::RangeQuery};
use crate::{
    Result,
    clock::Clock,
    domain::{ApiKey, CategoryId, KeyHash, OrgId, Owner, Rule},
};

/// Categories, their history and API keys in DynamoDB.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
    clock: Clock,
    key_cache: Cache<KeyHash, Option<Arc<ApiKey>>>,
    rules: Cache<(OrgId, CategoryId), Arc<Rule>>,
}

/// Names of the tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The table of categories and their history.
    pub categories: String,
    /// The table of API keys.
    pub keys: String,
}

impl Store {
    /// A store over these tables, which dates changes by `clock`.
    #[must_use]
    pub fn new(client: Client, tables: Tables, clock: Clock) -> Self {
        Self { client, tables, clock, key_cache: Cache::default(), rules: Cache::default() }
    }

    /// Opens the connection that requests will use, by a read that finds nothing. Whether it works
    /// does not matter: if not, requests will meet the same problem, and report it.
    pub async fn connect(&self) {
        let read = self
            .client
            .get_item()
            .table_name(&self.tables.keys)
            .key(api_keys::PARTITION_KEY, AttributeValue::S("none".to_owned()))
            .customize()
            .config_override(client::connect_config())
            .send();
        drop(read.await);
    }

    /// What is stored under a key, if anything.
    async fn item(&self, key: Item) -> Result<Option<Item>> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.categories)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure::error("GetItem", error))?;
        Ok(answer.item)
    }

    fn range(&self, owner: &impl Owner, bounds: Option<(String, String)>) -> RangeQuery {
        let done = bounds.is_none();
        let (first, last) = bounds.unwrap_or_default();
        let query = self
            .client
            .query()
            .table_name(&self.tables.categories)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_values(":pk", AttributeValue::S(keys::partition(owner)))
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(":last", AttributeValue::S(last))
            .consistent_read(true);
        RangeQuery { done, ..RangeQuery::new(query) }
    }
}
