//! The present: what a customer carries, and what a catalogue defines.

use std::collections::HashMap;

use super::{Store, items, keys, range_query::PageBuilder};
use crate::{
    Error, Result,
    domain::{Attributes, CategoryId, Owner, Page, PageRequest, Record, RecordPath, Timestamp, Versioned},
};

/// Queries that a page of records takes at most. It is short where tombstones alone fill the last one.
const MAX_QUERIES_PER_PAGE: u32 = 3;
const LOOK_AHEAD_FACTOR: usize = 8;

impl Store {
    /// The record now, or as it was at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is or was none; or the database's failure.
    pub async fn get<O: Owner>(
        &self,
        path: &RecordPath<O>,
        as_of: Option<Timestamp>,
    ) -> Result<Versioned<O::Attributes>> {
        let record = self.read(path).await?;
        let record = match as_of {
            None => record,
            Some(as_of) => self.rewind(&path.owner, record.into_iter().collect(), as_of).await?.pop(),
        };
        record.and_then(Record::live).ok_or(Error::NotFound(O::Attributes::MISSING))
    }

    /// An owner's records in the order of their ids, now or as they were at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an owner never seen, or being erased; or the database's failure.
    pub async fn list<O: Owner>(
        &self,
        owner: &O,
        page: PageRequest<CategoryId>,
        as_of: Option<Timestamp>,
    ) -> Result<Page<Versioned<O::Attributes>, CategoryId>> {
        let read = Box::pin(self.read_page(owner, page, as_of));
        self.unless_being_erased(owner, page.after.is_none(), read).await
    }

    async fn read_page<O: Owner>(
        &self,
        owner: &O,
        page: PageRequest<CategoryId>,
        as_of: Option<Timestamp>,
    ) -> Result<Page<Versioned<O::Attributes>, CategoryId>> {
        let mut range = self.range(owner, keys::categories(page.after));
        let mut found: PageBuilder<Versioned<O::Attributes>> = PageBuilder::new(page.limit);
        let mut known = page.after.is_some();
        for query in 0..MAX_QUERIES_PER_PAGE {
            if range.done || range.cut || found.is_full() {
                break;
            }
            // Of what is still wanted, more with every further Query: there may be many tombstones in a row.
            let limit = found.room().saturating_mul(LOOK_AHEAD_FACTOR.pow(query));
            let records = range.next(Some(limit), items::into_record).await?;
            known |= !records.is_empty();
            let records = match as_of {
                None => records,
                Some(as_of) => self.rewind(owner, records, as_of).await?,
            };
            found.extend(records.into_iter().filter_map(Record::live), |record| record.attributes.weight());
        }
        if !known {
            return Err(Error::NotFound(O::Attributes::UNKNOWN_OWNER));
        }
        let end = range.end.as_deref().and_then(keys::category_of);
        Ok(found.into_page(end, |record| record.id))
    }

    /// What is known of a record.
    pub(super) async fn read<A: Attributes>(&self, path: &RecordPath<A::Owner>) -> Result<Option<Record<A>>> {
        let item = self.item(keys::item(&path.owner, keys::category(path.id))).await?;
        item.map(items::into_record).transpose()
    }

    /// What is known of records of several owners, in the order of their paths.
    pub(super) async fn read_all<O: Owner>(
        &self,
        paths: &[RecordPath<O>],
    ) -> Result<Vec<Option<Record<O::Attributes>>>> {
        let key = |path: &RecordPath<O>| keys::item(&path.owner, keys::category(path.id));
        let mut found = HashMap::with_capacity(paths.len());
        for item in self.items(paths.iter().map(key).collect()).await? {
            if let Some(key) = keys::both(&item) {
                found.insert(key, items::into_record(item)?);
            }
        }
        let record =
            |path: &RecordPath<O>| found.remove(&(keys::partition(&path.owner), keys::category(path.id)));
        Ok(paths.iter().map(record).collect())
    }

    /// Whether this owner has ever had a record. One that was deleted leaves its tombstone.
    ///
    /// # Errors
    /// [`Error::NotFound`] while the owner is being erased; or the database's failure.
    pub(super) async fn knows<O: Owner>(&self, owner: &O) -> Result<bool> {
        let mut range = self.range(owner, keys::categories(None));
        Ok(!range.next(Some(1), items::into_record::<O::Attributes>).await?.is_empty())
    }
}
