//! How much there is. No function calls any of this.

use super::{
    ScanPosition, Scanned, Store,
    items::{self, Item},
    keys,
    operator::{Kind, kind},
    scan::Wanted,
};
use crate::{
    Result,
    domain::{ChangeKind, Customer, OrgId, Timestamp},
};

/// One item of a customer, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose it is.
    pub customer: Customer,
    /// What it is.
    pub kind: CountedKind,
    /// Bytes of its names and values, as DynamoDB counts them: without the 100 that it adds to each item.
    pub bytes: u64,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedKind {
    /// A category that the customer carries.
    Category,
    /// An entry of the history.
    Entry(ChangeKind, Timestamp),
    /// What deleted categories leave, and what is remembered of requests.
    Other,
}

impl Store {
    /// The items of the customers of an organisation, or of all, from the table's start or from where a Scan has ended.
    /// It reads eventually consistent.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn count(&self, org: Option<&OrgId>, from: Option<&ScanPosition>) -> Result<Scanned<Counted>> {
        self.scan_customers(org, Wanted::default(), from, |item| {
            let Some(customer) = keys::customer_of(&item) else { return Ok(None) };
            let counted = match kind(&item) {
                Kind::Category => CountedKind::Category,
                Kind::Change => entry(&item)?,
                Kind::Tombstone | Kind::Remembered | Kind::Fence => CountedKind::Other,
            };
            let bytes = u64::try_from(items::bytes(&item)).unwrap_or_default();
            Ok(Some(Counted { customer, kind: counted, bytes }))
        })
        .await
    }
}

fn entry(item: &Item) -> Result<CountedKind> {
    let key = keys::sort_key(item).unwrap_or_default();
    let change = match item.get("change").and_then(|change| change.as_s().ok()).map(String::as_str) {
        Some("created") => Some(ChangeKind::Created),
        Some("updated") => Some(ChangeKind::Updated),
        Some("deleted") => Some(ChangeKind::Deleted),
        _ => None,
    };
    let revision = keys::revision_of(key);
    let (Some(change), Some(revision)) = (change, revision) else { return Err(items::unreadable(key)) };
    Ok(CountedKind::Entry(change, revision.timestamp()))
}
