//! The past: every change, and what was so at a moment.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Store, items, keys,
    range_query::{PageBuilder, RangeQuery},
};
use crate::{
    Error, Result,
    domain::{
        Attributes, CategoryId, HistoryEntry, HistoryFilter, Owner, Page, PageRequest, Record, RecordPath,
        Revision, RevisionRange, Timestamp,
    },
    error::Fault,
};

/// Entries read at first when looking for the past states of many records; [`LOOK_GROWTH`] times as many with
/// every further read, up to 1 MB.
const FIRST_LOOK: usize = 128;

/// The same for one record. Its next change is near, unless the owner's other records changed a lot meanwhile.
const FIRST_LOOK_FOR_ONE: usize = 16;

const LOOK_GROWTH: usize = 8;

/// Entries read for a page of one category's history: as many as the longest page shows, and one to know that
/// more follows. Where the category has most of its owner's entries, more would be received and thrown away.
const FILTERED_LOOK: usize = 1_001;

impl Store {
    /// An owner's changes, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an owner never seen, or being erased; or the database's failure.
    pub async fn history<O: Owner>(
        &self,
        owner: &O,
        page: PageRequest<Revision>,
        filter: HistoryFilter,
    ) -> Result<Page<HistoryEntry<O::Attributes>, Revision>> {
        let range = page.after.into_iter().fold(filter.range, RevisionRange::older_than);
        let read = Box::pin(self.read_history(owner, page, filter, range));
        self.unless_being_erased(owner, range.reaches_newest(), read).await
    }

    async fn read_history<O: Owner>(
        &self,
        owner: &O,
        page: PageRequest<Revision>,
        filter: HistoryFilter,
        range: RevisionRange,
    ) -> Result<Page<HistoryEntry<O::Attributes>, Revision>> {
        let mut query = self.history_range(owner, range).newest_first().of_category(filter.category);
        let mut found = PageBuilder::new(page.limit);
        if !query.done {
            // DynamoDB counts what is read before it filters, so a filtered page looks at more than it shows.
            let limit = if filter.category.is_some() { FILTERED_LOOK } else { found.room() };
            let entries = query.first_of_next(found.room(), Some(limit), items::into_entry).await?;
            found.extend(entries, HistoryEntry::weight);
        }
        let end = query.end.as_deref().and_then(keys::revision_of);
        let found = found.into_page(end, |entry| entry.revision);
        if found.items.is_empty() && found.end.is_none() && page.after.is_none() {
            let narrowed = filter.category.is_some() || filter.range != RevisionRange::ALL;
            if !(narrowed && self.knows(owner).await?) {
                return Err(Error::NotFound(O::Attributes::UNKNOWN_OWNER));
            }
        }
        Ok(found)
    }

    /// Turns records back to what they were at `as_of`, in the order of their ids. What has not changed since
    /// is left alone, and what was not there then is left out.
    pub(super) async fn rewind<A: Attributes>(
        &self,
        owner: &A::Owner,
        records: Vec<Record<A>>,
        as_of: Timestamp,
    ) -> Result<Vec<Record<A>>> {
        let (later, unchanged): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.revision().timestamp() > as_of);
        let later = later.iter().map(Record::id).collect();
        let mut states = self.states_before_changes(owner, as_of, later).await?;
        states.extend(unchanged.into_iter().map(|record| (record.id(), record)));
        Ok(states.into_values().collect())
    }

    /// The states at `as_of` of records that changed later: the first entry of each after that moment says
    /// what was before. Reads history forward from there, and no further than until all are found.
    async fn states_before_changes<A: Attributes>(
        &self,
        owner: &A::Owner,
        as_of: Timestamp,
        mut wanted: BTreeSet<CategoryId>,
    ) -> Result<BTreeMap<CategoryId, Record<A>>> {
        let single = wanted.first().copied().filter(|_| wanted.len() == 1);
        let mut query = self.history_range(owner, RevisionRange::ALL.after(as_of)).of_category(single);
        let (mut states, mut untold) = (BTreeMap::new(), BTreeSet::new());
        let mut limit = if single.is_some() { FIRST_LOOK_FOR_ONE } else { FIRST_LOOK };
        while !wanted.is_empty() && !query.done {
            for entry in query.next(Some(limit), items::into_entry::<A>).await? {
                if wanted.remove(&entry.id) {
                    match entry.record_before() {
                        Some(Some(record)) => drop(states.insert(entry.id, Record::Live(record))),
                        Some(None) => {}
                        None => drop(untold.insert(entry.id)),
                    }
                }
            }
            limit = limit.saturating_mul(LOOK_GROWTH);
        }
        self.require_all_found::<A>(owner, &wanted).await?;
        states.extend(self.states_after_changes(owner, as_of, untold).await?);
        Ok(states)
    }

    /// The same for records whose first entry after the moment doesn't name the revision that it replaced,
    /// because it was written before that was kept: the newest entry up to the moment is read in its place.
    async fn states_after_changes<A: Attributes>(
        &self,
        owner: &A::Owner,
        as_of: Timestamp,
        mut wanted: BTreeSet<CategoryId>,
    ) -> Result<BTreeMap<CategoryId, Record<A>>> {
        let range = RevisionRange::ALL.until(as_of);
        let mut query = self.history_range(owner, range).newest_first();
        let mut states = BTreeMap::new();
        while !wanted.is_empty() && !query.done {
            for entry in query.next(None, items::into_entry::<A>).await? {
                if wanted.remove(&entry.id) {
                    states.insert(entry.id, entry.into_record());
                }
            }
        }
        self.require_all_found::<A>(owner, &wanted).await?;
        Ok(states)
    }

    /// A record has an entry for each of its changes. Where one is missing, it has been erased since the record
    /// was read, or a transaction is just about to show it. Half an answer would be a wrong one.
    async fn require_all_found<A: Attributes>(
        &self,
        owner: &A::Owner,
        wanted: &BTreeSet<CategoryId>,
    ) -> Result<()> {
        let Some(id) = wanted.first().copied() else { return Ok(()) };
        Err(match self.read::<A>(&RecordPath { owner: owner.clone(), id }).await? {
            None => Error::NotFound(A::UNKNOWN_OWNER),
            Some(_) => Error::Unavailable(Fault::new("an entry of the history is not there yet")),
        })
    }

    pub(super) fn history_range(&self, owner: &impl Owner, range: RevisionRange) -> RangeQuery {
        let bounds = range.bounds().map(|(first, last)| {
            let last = format!("{}{last}", keys::HISTORY);
            let last = if range.reaches_newest() { keys::BACK_FENCE.to_owned() } else { last };
            (format!("{}{first}", keys::HISTORY), last)
        });
        self.range(owner, bounds)
    }
}
