//! Batches: what is asked for of many customers, each customer's changes made together.

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::Store;
use crate::{
    Error, Result,
    domain::{
        Batch, BatchChange, CategoryAttributes, CategoryPath, Customer, Decision, Failed, Made, OrgId,
        Record, Request, Terms, Unmade, decide_together,
    },
    error::Fault,
    log,
};

/// Customers whose changes are made at the same time. Each takes a connection, and in 128 MB a function has a
/// fourteenth of a core, which eight keep busy.
const MAX_CUSTOMERS_AT_ONCE: usize = 8;

/// What is asked for of one customer, and what is known of the records that it is about.
struct Group<'a> {
    customer: Customer,
    requests: Vec<Request<'a, CategoryAttributes>>,
    records: Vec<Option<Record<CategoryAttributes>>>,
    terms: &'a Terms,
}

impl Store {
    /// Makes a batch so, each customer's changes together or not at all, on the customer's terms. Customers are
    /// worked on side by side. What is not made by the deadline counts as not made in time, whether it was begun or
    /// not. Returns what became of each customer's changes.
    ///
    /// # Errors
    /// The database's failure where it can't be read; then nothing has been written.
    pub async fn make_batch(
        &self,
        org: &OrgId,
        batch: &Batch,
        terms: &[Terms],
        deadline: Instant,
    ) -> Result<Vec<Made>> {
        let groups = self.read_groups(org, batch, terms).await?;
        self.look_up_rules(org, &groups).await?;
        // Boxed one by one: of futures inside an iterator's closure the compiler can't tell that they can be sent.
        let mut making = Vec::with_capacity(groups.len());
        for (place, group) in groups.into_iter().enumerate() {
            making.push(self.make_in_time(place, group, deadline).boxed());
        }
        let mut made: Vec<_> = stream::iter(making).buffer_unordered(MAX_CUSTOMERS_AT_ONCE).collect().await;
        made.sort_unstable_by_key(|(place, _)| *place);
        let made: Vec<Made> = made.into_iter().map(|(_, made)| made).collect();
        batch.results(&made).for_each(|(.., result)| match result {
            Ok(outcome) => log::changed(outcome),
            Err(Failed::For(error) | Failed::WithAnother(error)) => log::not_changed(error.fault()),
        });
        Ok(made)
    }

    /// Reads all records that the batch is about, in one call.
    async fn read_groups<'a>(
        &self,
        org: &OrgId,
        batch: &'a Batch,
        terms: &'a [Terms],
    ) -> Result<Vec<Group<'a>>> {
        let customer = |id| Customer { org: org.clone(), id };
        let paths = batch.customers.iter().flat_map(|group| {
            let path =
                move |change: &BatchChange| CategoryPath { owner: customer(group.customer), id: change.id };
            group.changes.iter().map(path)
        });
        let mut records = self.read_all(&paths.collect::<Vec<_>>()).await?.into_iter();
        let groups = batch.customers.iter().zip(terms).map(|(group, terms)| Group {
            customer: customer(group.customer),
            requests: group.changes.iter().map(BatchChange::request).collect(),
            records: records.by_ref().take(group.changes.len()).collect(),
            terms,
        });
        Ok(groups.collect())
    }

    /// Looks up what the catalogue says of all categories that are to be given, together, so that it is at hand when
    /// each customer's changes are made.
    async fn look_up_rules(&self, org: &OrgId, groups: &[Group<'_>]) -> Result<()> {
        let now = self.clock.timestamp();
        let decided = groups.iter().flat_map(|Group { requests, records, terms, customer }| {
            let decided = decide_together::<Customer>(requests, records, &terms.author, now);
            let given = move |decision: &Decision<_>| Some(decision.assignment(customer)?.id);
            decided.into_iter().flatten().filter_map(move |decision| given(&decision))
        });
        self.rules(org, decided.collect::<Vec<_>>()).await.map(drop)
    }

    /// Makes the changes of the customer in this place.
    async fn make_in_time(&self, place: usize, group: Group<'_>, deadline: Instant) -> (usize, Made) {
        let late = || Unmade::from(Error::Timeout(Fault::new("the request's time was up")));
        if Instant::now() >= deadline {
            return (place, Err(late()));
        }
        let Group { customer, requests, records, terms } = group;
        let made = Box::pin(self.make(&customer, &requests, records, terms));
        (place, timeout_at(deadline, made).await.unwrap_or_else(|_| Err(late())))
    }
}
