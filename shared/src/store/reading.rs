//! The present: what a customer carries.

use super::{Store, items, keys, range_query::PageBuilder};
use crate::{
    Error, Result,
    domain::{Category, CategoryId, CategoryPath, Customer, Page, PageRequest, Record, Timestamp},
};

pub(super) const NO_CATEGORY: &str = "the customer has no such category";
pub(super) const NO_CUSTOMER: &str = "nothing is known of this customer";

/// Queries that a page of categories takes at most. It is short where tombstones alone fill the last one.
const MAX_QUERIES_PER_PAGE: u32 = 3;
const LOOK_AHEAD_FACTOR: usize = 8;

impl Store {
    /// The category now, or as it was at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is or was none; or the database's failure.
    pub async fn get(&self, path: &CategoryPath, as_of: Option<Timestamp>) -> Result<Category> {
        let record = self.read(path).await?;
        let record = match as_of {
            None => record,
            Some(as_of) => self.rewind(&path.customer, record.into_iter().collect(), as_of).await?.pop(),
        };
        record.and_then(Record::live).ok_or(Error::NotFound(NO_CATEGORY))
    }

    /// A customer's categories in the order of their ids, now or as they were at `as_of`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a customer never seen, or being erased; or the database's failure.
    pub async fn list(
        &self,
        customer: &Customer,
        page: PageRequest<CategoryId>,
        as_of: Option<Timestamp>,
    ) -> Result<Page<Category, CategoryId>> {
        let read = Box::pin(self.read_page(customer, page, as_of));
        self.unless_being_erased(customer, page.after.is_none(), read).await
    }

    async fn read_page(
        &self,
        customer: &Customer,
        page: PageRequest<CategoryId>,
        as_of: Option<Timestamp>,
    ) -> Result<Page<Category, CategoryId>> {
        let mut range = self.range(customer, keys::categories(page.after));
        let mut found = PageBuilder::new(page.limit);
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
                Some(as_of) => self.rewind(customer, records, as_of).await?,
            };
            found.extend(records.into_iter().filter_map(Record::live), |category| {
                category.attributes.weight()
            });
        }
        if !known {
            return Err(Error::NotFound(NO_CUSTOMER));
        }
        let end = range.end.as_deref().and_then(keys::category_of);
        Ok(found.into_page(end, |category| category.id))
    }

    /// What is known of a category.
    pub(super) async fn read(&self, path: &CategoryPath) -> Result<Option<Record>> {
        let item = self.item(keys::item(&path.customer, keys::category(path.id))).await?;
        item.map(items::into_record).transpose()
    }

    /// Whether this customer has ever had a category. One that was deleted leaves its record.
    ///
    /// # Errors
    /// [`Error::NotFound`] while the customer is being erased; or the database's failure.
    pub(super) async fn knows(&self, customer: &Customer) -> Result<bool> {
        let mut range = self.range(customer, keys::categories(None));
        Ok(!range.next(Some(1), items::into_record).await?.is_empty())
    }
}
