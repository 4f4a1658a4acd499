//! The only home of table names, keys, expressions and transactions.

mod api_keys;
mod batch;
mod cache;
mod cancellation;
mod carriers;
pub mod client;
mod commit;
mod connector;
mod dns;
mod erasure;
mod failure;
mod format;
mod history;
mod import;
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
mod roots;
mod rules;
mod scan;
mod schema;
mod stats;
mod survey;
mod writing;

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes},
};
use futures_util::future::try_join_all;

pub use self::{
    carriers::COUNTING_TIME,
    erasure::{Erasure, Unless},
    format::FORMAT,
    import::{Import, ImportTask, ImportTerms, OnConflict},
    moving::{OfCustomers, OfOrg, OrgItems},
    operator::{CustomerItems, Held, ItemCounts},
    probe::Probe,
    restoration::Restored,
    rules::Given,
    scan::{ScanPosition, Scanned, TableSize},
    stats::{Counted, CountedKind},
    survey::Carried,
};

use self::{cache::Cache, items::Item, range_query::RangeQuery};
use crate::{
    Error, Result,
    clock::Clock,
    domain::{ApiKey, CategoryId, KeyHash, OrgId, Owner, Rule},
    error::Fault,
};

/// Keys that DynamoDB takes in one call of `BatchGetItem`.
const MAX_KEYS_PER_CALL: usize = 100;

/// Calls that are made for keys which DynamoDB leaves unprocessed, each of which the SDK sends again if need be.
const MAX_CALLS_FOR_UNPROCESSED: u32 = 6;

/// The wait before such keys are asked for again; with every further time as much more.
const FIRST_WAIT_FOR_UNPROCESSED: Duration = Duration::from_millis(50);

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

    /// What is stored under these keys, in no particular order. A call asks for 100 of them at most; calls are made
    /// side by side.
    async fn items(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let calls = keys.chunks(MAX_KEYS_PER_CALL).map(|keys| {
            let wanted = HashMap::from([(self.tables.categories.clone(), keys.to_vec())]);
            Box::pin(self.items_of_call(wanted))
        });
        Ok(try_join_all(calls).await?.into_iter().flat_map(HashMap::into_values).flatten().collect())
    }

    /// What is stored under at most 100 keys of these tables. What a call leaves unanswered is asked for again.
    async fn items_of_call(
        &self,
        mut wanted: HashMap<String, Vec<Item>>,
    ) -> Result<HashMap<String, Vec<Item>>> {
        let mut found: HashMap<_, Vec<Item>> = HashMap::new();
        for attempt in 0..MAX_CALLS_FOR_UNPROCESSED {
            // Little by little more: what is left unprocessed is so because the database is short of capacity.
            tokio::time::sleep(FIRST_WAIT_FOR_UNPROCESSED * attempt).await;
            let mut call = self.client.batch_get_item();
            for (table, keys) in wanted {
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                call = call.request_items(table, keys.map_err(Error::unexpected)?);
            }
            let answer = call.send().await.map_err(|error| failure::error("BatchGetItem", error))?;
            for (table, items) in answer.responses.unwrap_or_default() {
                found.entry(table).or_default().extend(items);
            }
            let left = answer.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(found);
            }
            wanted = left.into_iter().map(|(table, left)| (table, left.keys)).collect();
        }
        Err(Error::Unavailable(Fault::new("BatchGetItem: keys were left unprocessed")))
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
