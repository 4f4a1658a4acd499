//! Who carries a category, read from the index of carriers, which is a moment behind the table.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{join, join_all, try_join_all},
    stream,
};
use tokio::time::{Instant, sleep, timeout};

use super::{Store, failure, items, keys, range_query::RangeQuery};
use crate::{
    Error, Result,
    clock::Moment,
    domain::{
        Carrier, CarrierCount, CarrierFilter, CarrierKey, CarrierPosition, CategoryId, DefinitionAttributes,
        DefinitionPath, OrgId, Page, PageRequest, Precision, Record, Shard,
    },
    error::Fault,
};

/// The longest that a count takes.
pub const COUNTING_TIME: Duration = Duration::from_secs(5);

/// Entries that one Query counts at most. Fewer fill the 1 MB at which DynamoDB ends a Query; without a limit the
/// embedded engine reads all the rest of the shard for each.
const COUNTED_AT_ONCE: i32 = 10_000;

/// Shards that are asked side by side whether anything is in them. Each has a connection of its own, and connecting costs
/// a small function more than to wait for another answer.
const ASKED_AT_ONCE: usize = 4;

/// How long a count waits before it goes on where the index throttles it.
const PAUSE: Duration = Duration::from_millis(100);

const UNKNOWN: Error = Error::NotFound("nobody carries this category, and the catalogue does not define it");

/// What one Query has found in a shard.
struct ShardPage {
    shard: Shard,
    carriers: Vec<Carrier>,
    /// Where the Query ended, if there may be more behind it.
    end: Option<CarrierKey>,
}

/// A page being filled, shard by shard.
struct CarrierPage {
    carriers: Vec<Carrier>,
    limit: usize,
    end: Option<CarrierPosition>,
}

impl CarrierPage {
    fn new(limit: usize) -> Self {
        Self { carriers: Vec::new(), limit, end: None }
    }

    fn room(&self) -> usize {
        self.limit - self.carriers.len()
    }

    /// Returns whether what the next shard has belongs on the page, too.
    fn add(&mut self, ShardPage { shard, carriers, end }: ShardPage) -> bool {
        let room = self.room();
        let is_cut = carriers.len() > room;
        self.carriers.extend(carriers.into_iter().take(room));
        let end = if is_cut { self.carriers.last().map(Carrier::key) } else { end };
        self.end = match end {
            Some(_) => Some(CarrierPosition { shard, after: end }),
            None => shard.following().first().copied().map(CarrierPosition::start_of),
        };
        end.is_none() && self.room() > 0
    }

    /// How many of the shards that follow are likely to fill it. They are of like size, so one that was read whole
    /// tells of the others.
    fn shards_to_fill(&self, was_read_whole: bool) -> usize {
        match self.carriers.len() {
            _ if !was_read_whole => 1,
            0 => Shard::ALL.len(),
            size => self.room().div_ceil(size),
        }
    }
}

impl Store {
    /// Who carries a category, in no order that means anything. A page may be short, and is read in two steps at
    /// most: one shard, then as many of the others side by side as are likely to fill it.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nobody carries the category and the catalogue does not define it; or the
    /// database's failure.
    pub async fn carriers(
        &self,
        path: &DefinitionPath,
        filter: &CarrierFilter,
        page: PageRequest<CarrierPosition>,
    ) -> Result<Page<Carrier, CarrierPosition>> {
        let from = page.after.unwrap_or(CarrierPosition::START);
        let mut found = CarrierPage::new(page.limit);
        if found.add(self.shard_page(path, filter, from, found.limit).await?) {
            let next = from.shard.following().iter().take(found.shards_to_fill(from.after.is_none()));
            let start = |shard: &Shard| CarrierPosition::start_of(*shard);
            let reads = next.map(|shard| self.shard_page(path, filter, start(shard), found.room()));
            for read in join_all(reads.map(Box::pin)).await {
                if !found.add(read?) {
                    break;
                }
            }
        }
        if page.after.is_none() && found.carriers.is_empty() && found.end.is_none() {
            self.require_known(path, filter).await?;
        }
        Ok(Page { items: found.carriers, end: found.end })
    }

    /// How many carry a category. All shards are counted side by side, for [`COUNTING_TIME`] or half of the time until
    /// the deadline, whichever is less, because there may be more to read behind that; the count is of those met until
    /// then. Where the index throttles, it goes on after a pause.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nobody carries the category and the catalogue does not define it;
    /// [`Error::Timeout`] where nobody was met in time; or the database's failure.
    pub async fn count_carriers(
        &self,
        path: &DefinitionPath,
        filter: &CarrierFilter,
        deadline: Instant,
    ) -> Result<CarrierCount> {
        let left = deadline.saturating_duration_since(Instant::now());
        let within = COUNTING_TIME.min(left / 2);
        let (began, counted_at, counted) = (self.clock.now(), self.clock.timestamp(), AtomicU64::new(0));
        let shards = Shard::ALL.map(|shard| {
            let query = self.shard_query(path, filter, CarrierPosition::start_of(shard));
            Box::pin(self.count_shard(query, &counted, began, within))
        });
        let is_complete = match timeout(within, try_join_all(shards)).await {
            Ok(ended) => ended?.into_iter().all(|ended| ended),
            Err(_) => false,
        };
        let count = counted.into_inner();
        let precision = match (count, is_complete) {
            (0, true) => {
                self.require_known(path, filter).await?;
                Precision::Exact
            }
            (_, true) => Precision::Exact,
            (0, false) => return Err(Error::Timeout(Fault::new("nothing was counted in time"))),
            (_, false) => Precision::AtLeast,
        };
        Ok(CarrierCount { count, precision, counted_at })
    }

    /// Whether anybody carries a category, as far as the index knows.
    pub(super) async fn is_carried(&self, org: &OrgId, id: CategoryId) -> Result<bool> {
        let path = DefinitionPath { owner: org.clone(), id };
        let queries = Shard::ALL.map(|shard| {
            let query = self.shard_query(&path, &CarrierFilter::All, CarrierPosition::start_of(shard));
            query.select(Select::Count).limit(1)
        });
        let answers =
            stream::iter(queries).map(|query| Box::pin(query.send())).buffer_unordered(ASKED_AT_ONCE);
        let is_carried = answers.try_any(async |answer| answer.count > 0).await;
        is_carried.map_err(|error| failure::error("Query", error))
    }

    /// Returns whether the shard was counted to its end.
    async fn count_shard(
        &self,
        mut query: QueryFluentBuilder,
        counted: &AtomicU64,
        began: Moment,
        within: Duration,
    ) -> Result<bool> {
        while began.is_within(within, self.clock.now()) {
            match query.clone().select(Select::Count).limit(COUNTED_AT_ONCE).send().await {
                Ok(answer) => {
                    counted.fetch_add(u64::try_from(answer.count).unwrap_or_default(), Ordering::Relaxed);
                    if answer.last_evaluated_key.is_none() {
                        return Ok(true);
                    }
                    query = query.set_exclusive_start_key(answer.last_evaluated_key);
                }
                // A partition serves 3,000 read units a second, and a million carriers take 27,000.
                Err(error) => match failure::error("Query", error) {
                    Error::Unavailable(_) if counted.load(Ordering::Relaxed) > 0 => sleep(PAUSE).await,
                    error => return Err(error),
                },
            }
        }
        Ok(false)
    }

    async fn shard_page(
        &self,
        path: &DefinitionPath,
        filter: &CarrierFilter,
        from: CarrierPosition,
        limit: usize,
    ) -> Result<ShardPage> {
        let query = self.shard_query(path, filter, from);
        let mut range = RangeQuery { sort_key: keys::CARRIERS_SORT_KEY, ..RangeQuery::new(query) };
        let carriers = range.next(Some(limit), items::into_carrier).await?;
        let end = range.end.as_deref().and_then(keys::carrier_of);
        Ok(ShardPage { shard: from.shard, carriers, end })
    }

    fn shard_query(
        &self,
        path: &DefinitionPath,
        filter: &CarrierFilter,
        from: CarrierPosition,
    ) -> QueryFluentBuilder {
        let partition = keys::carriers(&path.owner, path.id, from.shard);
        let query = self
            .client
            .query()
            .table_name(&self.tables.categories)
            .index_name(keys::CARRIERS)
            .expression_attribute_names("#pk", keys::CARRIERS_PARTITION_KEY)
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .set_exclusive_start_key(keys::carriers_after(path, from));
        match keys::carriers_with(filter) {
            None => query.key_condition_expression("#pk = :pk"),
            Some(prefix) => query
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :prefix)")
                .expression_attribute_names("#sk", keys::CARRIERS_SORT_KEY)
                .expression_attribute_values(":prefix", AttributeValue::S(prefix)),
        }
    }

    /// Where nobody was found: that is the answer for a category that is defined, or carried otherwise.
    async fn require_known(&self, path: &DefinitionPath, filter: &CarrierFilter) -> Result<()> {
        let carried_otherwise = async {
            match filter {
                CarrierFilter::All => Ok(false),
                _ => self.is_carried(&path.owner, path.id).await,
            }
        };
        let (defined, carried) = join(self.read::<DefinitionAttributes>(path), carried_otherwise).await;
        let is_defined = matches!(defined?, Some(Record::Live(_)));
        if is_defined || carried? { Ok(()) } else { Err(UNKNOWN) }
    }
}
