//! The only home of table names, keys, expressions and transactions.

mod api_keys;
mod commit;
mod failure;
mod items;
mod keys;
mod operator;
mod range_query;
mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_dynamodb::{Client, types::AttributeValue};

pub(crate) use self::failure::ThrottledTransaction;
pub use self::operator::{CustomerItems, Held, Import, ItemCounts};

use self::{
    commit::Commit,
    items::Item,
    range_query::{PageBuilder, RangeQuery},
};
use crate::{
    Error, Result,
    clock::Clock,
    config,
    domain::{
        Attributes, Author, Category, CategoryId, CategoryPatch, CategoryPath, Change, Customer,
        HistoryEntry, HistoryFilter, Idempotency, NewCategory, Page, PageRequest, Reason, Record, Revision,
        RevisionRange, Revisions, Timestamp,
    },
    error::Fault,
    log,
};

const NO_CATEGORY: &str = "the customer has no such category";
const NO_CUSTOMER: &str = "nothing is known of this customer";

/// How often a change is decided anew after others got in between. Among `n` racing callers one
/// wins each round, so this is far above what a category sees.
const MAX_ATTEMPTS: u32 = 40;

/// Entries read at first when looking for past states; four times as many with every further read.
const FIRST_LOOK_BACK: usize = 128;

/// Categories, their history and API keys in DynamoDB.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    tables: Tables,
    clock: Clock,
}

/// Names of the tables.
#[derive(Clone, Debug)]
pub struct Tables {
    pub categories: String,
    pub keys: String,
}

impl Store {
    #[must_use]
    pub fn new(client: Client, tables: Tables, clock: Clock) -> Self {
        Self { client, tables, clock }
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
            .config_override(config::connect_config())
            .send();
        drop(read.await);
    }

    /// Creates a category. A repetition of the POST that created the one that exists is answered
    /// with the revision it was answered with then.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`]; or the database's failure.
    pub async fn create(
        &self,
        customer: &Customer,
        new: NewCategory,
        idempotency: Option<Idempotency>,
        author: &Author,
    ) -> Result<Revision> {
        let mut after = None;
        for attempt in 0..MAX_ATTEMPTS {
            let revision = Revision::mint(self.clock.timestamp(), after);
            let change = new.clone().create(idempotency.clone(), author, revision);
            match self.commit(customer, &change).await? {
                Commit::Done => return Ok(revision),
                Commit::Lost(Some(Record::Live(existing))) => {
                    let repeated = idempotency.is_some() && existing.idempotency == idempotency;
                    return if repeated {
                        Ok(existing.created)
                    } else {
                        Err(Error::AlreadyExists("the customer has this category already"))
                    };
                }
                Commit::Lost(Some(Record::Deleted { revision, .. })) => after = Some(revision),
                Commit::Lost(None) | Commit::Contended => back_off(attempt).await,
            }
        }
        Err(contended())
    }

    /// The category now, or as it was at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is or was none; or the database's failure.
    pub async fn get(&self, path: &CategoryPath, as_of: Option<Timestamp>) -> Result<Category> {
        let record = match as_of {
            None => self.read(path).await?,
            Some(as_of) => {
                self.states(&path.customer, as_of, BTreeSet::from([path.id])).await?.remove(&path.id)
            }
        };
        record.and_then(Record::live).ok_or(Error::NotFound(NO_CATEGORY))
    }

    /// Applies a merge patch to a category that is among `expected`; returns its revision
    /// afterwards, which is the same as before where the patch changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`]; or the database's failure.
    pub async fn update(
        &self,
        path: &CategoryPath,
        patch: &CategoryPatch,
        expected: &Revisions,
        author: &Author,
    ) -> Result<Revision> {
        self.change(path, expected, |category, now| category.patch(patch, author, now)).await
    }

    /// Deletes a category that is among `expected`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::PreconditionFailed`]; or the database's failure.
    pub async fn delete(
        &self,
        path: &CategoryPath,
        reason: Option<Reason>,
        expected: &Revisions,
        author: &Author,
    ) -> Result<()> {
        self.change(path, expected, |category, now| Some(category.delete(reason.clone(), author, now)))
            .await?;
        Ok(())
    }

    /// A customer's categories in the order of their ids, now or as they were at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer never seen; or the database's failure.
    pub async fn list(
        &self,
        customer: &Customer,
        page: PageRequest<CategoryId>,
        as_of: Option<Timestamp>,
    ) -> Result<Page<Category>> {
        let mut scan = self.scan(customer, keys::categories(page.after));
        let mut found = PageBuilder::new(page.limit);
        let mut known = page.after.is_some();
        // Of what is still wanted, four times as much with every further read: there may be many
        // deleted ones in a row.
        let mut ahead = 1_usize;
        while found.wants_more() && !scan.done {
            let limit = found.room().saturating_mul(ahead);
            let records = scan.next(Some(limit), items::into_record).await?;
            ahead = ahead.saturating_mul(4);
            known |= !records.is_empty();
            let records = match as_of {
                None => records,
                Some(as_of) => self.rewind(customer, records, as_of).await?,
            };
            found.extend(records.into_iter().filter_map(Record::live), |category| {
                category.attributes.weight()
            });
            if scan.cut {
                found.close();
            }
        }
        if known { Ok(found.into_page()) } else { Err(Error::NotFound(NO_CUSTOMER)) }
    }

    /// A customer's changes, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer never seen; or the database's failure.
    pub async fn history(
        &self,
        customer: &Customer,
        page: PageRequest<Revision>,
        filter: HistoryFilter,
    ) -> Result<Page<HistoryEntry>> {
        let range = page.after.into_iter().fold(filter.range, RevisionRange::older_than);
        let mut scan = self.scan_history(customer, range).of_category(filter.category);
        let mut found = PageBuilder::new(page.limit);
        while found.wants_more() && !scan.done {
            // With a filter, how many items have to be read to find one is anybody's guess.
            let limit = filter.category.is_none().then(|| found.room());
            let entries = scan.next(limit, items::into_entry).await?;
            found.extend(entries, |entry| {
                entry.attributes.weight() + entry.previous.as_ref().map_or(0, Attributes::weight)
            });
            if scan.cut && filter.category.is_none() {
                found.close();
            }
        }
        let found = found.into_page();
        if found.items.is_empty() && page.after.is_none() {
            let narrowed = filter.category.is_some() || filter.range != RevisionRange::ALL;
            if !(narrowed && self.knows(customer).await?) {
                return Err(Error::NotFound(NO_CUSTOMER));
            }
        }
        Ok(found)
    }

    /// Loads, decides, and commits on condition that what was decided on is still so; again, if
    /// somebody else was faster. Returns the category's revision afterwards.
    async fn change(
        &self,
        path: &CategoryPath,
        expected: &Revisions,
        decide: impl Fn(&Category, Timestamp) -> Option<Change>,
    ) -> Result<Revision> {
        let mut record = self.read(path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            let category = record.and_then(Record::live).ok_or(Error::NotFound(NO_CATEGORY))?;
            expected.require(category.revision)?;
            let Some(change) = decide(&category, self.clock.timestamp()) else {
                return Ok(category.revision);
            };
            record = match self.commit(&path.customer, &change).await? {
                Commit::Done => return Ok(change.record.revision()),
                Commit::Lost(current) => {
                    back_off(attempt).await;
                    current
                }
                Commit::Contended => {
                    back_off(attempt).await;
                    self.read(path).await?
                }
            };
        }
        Err(contended())
    }

    /// What is known of a category.
    async fn read(&self, path: &CategoryPath) -> Result<Option<Record>> {
        let item = self.item(keys::item(&path.customer, keys::category(path.id))).await?;
        item.map(items::into_record).transpose()
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
            .map_err(|error| failure::error("GetItem", &error))?;
        Ok(answer.item)
    }

    /// Whether this customer has ever had a category. One that was deleted leaves its record.
    async fn knows(&self, customer: &Customer) -> Result<bool> {
        let mut scan = self.scan(customer, keys::categories(None));
        Ok(!scan.next(Some(1), items::into_record).await?.is_empty())
    }

    /// Turns records back to what they were at `as_of`. What has not changed since is left alone.
    async fn rewind(
        &self,
        customer: &Customer,
        records: Vec<Record>,
        as_of: Timestamp,
    ) -> Result<Vec<Record>> {
        let changed = |record: &Record| record.revision().timestamp() > as_of;
        let later = records.iter().filter(|record| changed(record)).map(Record::id).collect();
        let mut states = self.states(customer, as_of, later).await?;
        states.extend(
            records.into_iter().filter(|record| !changed(record)).map(|record| (record.id(), record)),
        );
        Ok(states.into_values().collect())
    }

    /// The states of `wanted` categories at `as_of`: each one's newest entry up to then. Reads
    /// history backwards and stops when all are found.
    async fn states(
        &self,
        customer: &Customer,
        as_of: Timestamp,
        mut wanted: BTreeSet<CategoryId>,
    ) -> Result<BTreeMap<CategoryId, Record>> {
        let mut scan = self.scan_history(customer, RevisionRange::ALL.until(as_of));
        let mut states = BTreeMap::new();
        let mut limit = FIRST_LOOK_BACK;
        while !wanted.is_empty() && !scan.done {
            for entry in scan.next(Some(limit), items::into_entry).await? {
                if wanted.remove(&entry.id) {
                    states.insert(entry.id, entry.into_record());
                }
            }
            limit = limit.saturating_mul(4);
        }
        Ok(states)
    }

    fn scan_history(&self, customer: &Customer, range: RevisionRange) -> RangeQuery {
        let bounds = range
            .bounds()
            .map(|(first, last)| (format!("{}{first}", keys::HISTORY), format!("{}{last}", keys::HISTORY)));
        let scan = self.scan(customer, bounds);
        RangeQuery { query: scan.query.scan_index_forward(false), ..scan }
    }

    fn scan(&self, customer: &Customer, bounds: Option<(String, String)>) -> RangeQuery {
        let done = bounds.is_none();
        let (first, last) = bounds.unwrap_or_default();
        let query = self
            .client
            .query()
            .table_name(&self.tables.categories)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_values(":pk", AttributeValue::S(keys::partition(customer)))
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(":last", AttributeValue::S(last))
            .consistent_read(true);
        RangeQuery { query, done, cut: false }
    }
}

fn contended() -> Error {
    Error::Unavailable(Fault(format!("gave up after {MAX_ATTEMPTS} attempts against other writers")))
}

/// Another writer was faster: waits a random time below 5 ms, doubling with every attempt up to
/// 160 ms ("full jitter").
async fn back_off(attempt: u32) {
    log::conflict();
    let longest = 5_u64 << attempt.min(5);
    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..longest))).await;
}
