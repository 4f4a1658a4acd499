//! Moving an organisation: all that it has, and taking that back with its history. No function calls any of this.

use std::slice;

use super::{
    Held, Import, ScanPosition, Scanned, Store,
    cancellation::Commit,
    commit::ChangeSet,
    erasure::{Erased, Unless},
    failure,
    items::{self, Item},
    keys,
    operator::{Kind, kind},
    range_query::RangeQuery,
    scan::{Wanted, require_customer},
    writing::{MAX_ATTEMPTS, back_off, contended},
};
use crate::{
    Result,
    domain::{
        Attributes, Customer, DefinitionAttributes, HistoryEntry, Moved, OrgId, Policy, Record, RecordPath,
        Timestamp,
    },
};

/// One thing that an organisation has, besides its customers'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfOrg {
    /// A definition, or the tombstone of one.
    Record(Record<DefinitionAttributes>),
    /// An entry of the catalogue's history.
    Change(HistoryEntry<DefinitionAttributes>),
    /// What becomes of categories that are not defined.
    Policy(Policy),
}

/// One thing that the customers of an organisation have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfCustomers {
    /// It is held on this customer.
    Held(Customer, Box<Held>),
    /// Somebody was erased, of whom nothing but the digest is known.
    Erased {
        /// SHA-256 of organisation and customer, in hex.
        digest: String,
        /// When the erasure began.
        erased_at: Timestamp,
    },
}

/// All that an organisation has besides its customers', page by page: definitions in the order of their ids, then their
/// changes, the oldest first, then the policy.
pub struct OrgItems {
    range: RangeQuery,
}

impl OrgItems {
    /// The next page, at most 1 MB; `None` at the end.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn next(&mut self) -> Result<Option<Vec<OfOrg>>> {
        if self.range.done {
            return Ok(None);
        }
        let read = |item: Item| {
            let key = keys::sort_key(&item).unwrap_or_default();
            Ok(match () {
                () if key.starts_with(keys::CATEGORY) => Some(OfOrg::Record(items::into_record(item)?)),
                () if key.starts_with(keys::HISTORY) => Some(OfOrg::Change(items::into_entry(item)?)),
                () if key == keys::POLICY => Some(OfOrg::Policy(items::into_policy(item)?)),
                // Claims of names follow from the definitions; what is remembered of requests, for a day.
                () => None,
            })
        };
        Ok(Some(self.range.next(None, read).await?.into_iter().flatten().collect()))
    }
}

impl Store {
    /// All that an organisation has besides its customers'.
    #[must_use]
    pub fn org_items(&self, org: &OrgId) -> OrgItems {
        OrgItems { range: self.scan_partition(org) }
    }

    /// All that the customers of an organisation have, from the table's start or from where a Scan has ended, without
    /// what is remembered of requests. It reads eventually consistent.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn items_of_customers(
        &self,
        org: &OrgId,
        from: Option<&ScanPosition>,
    ) -> Result<Scanned<OfCustomers>> {
        let wanted = Wanted::default();
        self.scan_customers(Some(org), wanted, from, |item| {
            if let Some(digest) = keys::digest_of(&item) {
                let digest = digest.to_owned();
                return Ok(Some(OfCustomers::Erased { digest, erased_at: items::into_erased_at(item)? }));
            }
            let held = match kind(&item) {
                Kind::Fence | Kind::Remembered => return Ok(None),
                Kind::Change => |item| items::into_entry(item).map(Held::Change),
                Kind::Category | Kind::Tombstone => |item| items::into_record(item).map(Held::Record),
            };
            let customer = require_customer(&item)?;
            Ok(Some(OfCustomers::Held(customer, Box::new(held(item)?))))
        })
        .await
    }

    /// Makes a change once more that was made in another table, under its own revision. What is here already is left
    /// alone; what does not follow it is refused. `unless` rules creations out.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn take_back<A: Attributes>(&self, moved: &Moved<A>, mut unless: Unless) -> Result<Import> {
        let path = RecordPath { owner: moved.owner.clone(), id: moved.id };
        for attempt in 0..MAX_ATTEMPTS {
            let record = self.read::<A>(&path).await?;
            if record.as_ref().is_some_and(|record| record.revision() >= moved.revision) {
                return self.compare_entry(moved).await;
            }
            let change = match moved.following(record.as_ref()) {
                Ok(change) => change,
                Err(conflict) => return Ok(Import::Conflict(conflict)),
            };
            let set = ChangeSet::new(&moved.owner, slice::from_ref(&change), unless);
            match self.commit(&set).await? {
                Commit::Done | Commit::Repeated(_) => return Ok(Import::Created),
                Commit::NameTaken(id) => {
                    return Ok(Import::Conflict(format!(
                        "category {id} has this name, or one that looks the same"
                    )));
                }
                // Somebody who came back after that.
                Commit::Erased(Erased::Since(erased_at)) if moved.revision.timestamp() > erased_at => {
                    unless = Unless::BeingErased;
                }
                Commit::Erased(erased) => return Ok(Import::Conflict(erased.to_string())),
                Commit::Lost(_) => back_off(attempt).await,
            }
        }
        Err(contended())
    }

    /// Whether a change is in the history that is not later than what is here.
    async fn compare_entry<A: Attributes>(&self, moved: &Moved<A>) -> Result<Import> {
        let entry = self.item(keys::item(&moved.owner, keys::history(moved.revision))).await?;
        let entry = entry.map(items::into_entry::<A>).transpose()?;
        Ok(match entry {
            Some(entry) if moved.is(&entry) => Import::Present,
            Some(_) => Import::Conflict("another change is here under this revision".to_owned()),
            None => Import::Conflict("a later change is here, and this one is not before it".to_owned()),
        })
    }

    /// Sets what an organisation does with categories that are not defined, unless that has been set here.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn take_back_policy(&self, org: &OrgId, unknown: Policy) -> Result<Import> {
        let item = items::from_policy(org, unknown)?;
        self.put_unless_there(item, |here| {
            let here = items::into_policy(here)?;
            Ok((here != unknown).then(|| format!("the policy is {here} here")))
        })
        .await
    }

    /// Notes that a customer was erased, of whom nothing but the digest is known.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn take_back_erasure(&self, org: &OrgId, digest: &str, erased_at: Timestamp) -> Result<Import> {
        let item = items::from_erased_digest(org, digest, erased_at);
        // An erasure here, too, is what counts.
        self.put_unless_there(item, |_| Ok(None)).await
    }

    /// Puts an item where none is; what there is may be a conflict.
    async fn put_unless_there(
        &self,
        item: Item,
        conflict: impl Fn(Item) -> Result<Option<String>>,
    ) -> Result<Import> {
        let mut key = item.clone();
        key.retain(|name, _| [keys::PARTITION_KEY, keys::SORT_KEY].contains(&name.as_str()));
        if let Some(here) = self.item(key).await? {
            return Ok(conflict(here)?.map_or(Import::Present, Import::Conflict));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.categories)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", keys::PARTITION_KEY);
        put.send().await.map_err(|error| failure::error("PutItem", error))?;
        Ok(Import::Created)
    }
}
