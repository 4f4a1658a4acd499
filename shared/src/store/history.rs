//! The past: every change, and what a customer carried at a moment.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Store, items, keys,
    range_query::{PageBuilder, RangeQuery},
    reading::NO_CUSTOMER,
};
use crate::{
    Error, Result,
    domain::{
        Attributes, CategoryId, Customer, HistoryEntry, HistoryFilter, Page, PageRequest, Record, Revision,
        RevisionRange, Timestamp,
    },
};

/// Entries read at first when looking for past states; four times as many with every further read.
const FIRST_LOOK_BACK: usize = 128;

impl Store {
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

    /// Turns records back to what they were at `as_of`. What has not changed since is left alone.
    pub(super) async fn rewind(
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
    pub(super) async fn states(
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
}
