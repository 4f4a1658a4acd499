//! The present: what a customer carries.

use std::collections::BTreeSet;

use super::{Store, items, keys, range_query::PageBuilder};
use crate::{
    Error, Result,
    domain::{Category, CategoryId, CategoryPath, Customer, Page, PageRequest, Record, Timestamp},
};

pub(super) const NO_CATEGORY: &str = "the customer has no such category";
pub(super) const NO_CUSTOMER: &str = "nothing is known of this customer";

impl Store {
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

    /// What is known of a category.
    pub(super) async fn read(&self, path: &CategoryPath) -> Result<Option<Record>> {
        let item = self.item(keys::item(&path.customer, keys::category(path.id))).await?;
        item.map(items::into_record).transpose()
    }

    /// Whether this customer has ever had a category. One that was deleted leaves its record.
    pub(super) async fn knows(&self, customer: &Customer) -> Result<bool> {
        let mut scan = self.scan(customer, keys::categories(None));
        Ok(!scan.next(Some(1), items::into_record).await?.is_empty())
    }
}
