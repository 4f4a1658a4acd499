//! Taking back what has been changed since a moment. No function calls any of this.

use std::{collections::BTreeMap, slice};

use super::{
    ScanPosition, Scanned, Store, cancellation::Commit, commit::ChangeSet, erasure::Unless, items, keys,
    scan::Wanted, scan::require_customer,
};
use crate::{
    Error, Result,
    domain::{
        CategoryAttributes, CategoryId, CategoryPath, Customer, CustomerId, OrgId, RevisionRange, Timestamp,
        Trail, Undo, Undoing,
    },
};

/// What became of a category that was to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It says again what it said at the moment; or would, in a dry run.
    Done,
    /// It did already.
    Already,
    /// Why it is left as it is.
    LeftAlone(String),
}

impl Store {
    /// The customers of an organisation with changes of this name in this time, from the table's start or from where a
    /// Scan has ended; one of them again in the next page, if their changes are in both. It reads consistently.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn customers_changed_by(
        &self,
        org: &OrgId,
        changed_by: &str,
        range: RevisionRange,
        from: Option<&ScanPosition>,
    ) -> Result<Scanned<CustomerId>> {
        let (first, last) = range.bounds().unwrap_or_default();
        let wanted = Wanted {
            filter: "#sk BETWEEN :first AND :last AND #changed_by = :changed_by",
            projection: "#pk, #sk",
            names: &[("#changed_by", "changed_by")],
            values: vec![
                (":first", format!("{}{first}", keys::HISTORY)),
                (":last", format!("{}{last}", keys::HISTORY)),
                (":changed_by", changed_by.to_owned()),
            ],
            consistent: true,
        };
        let mut scanned = self
            .scan_customers(Some(org), wanted, from, |item| {
                require_customer(&item).map(|customer| Some(customer.id))
            })
            .await?;
        scanned.found.dedup();
        Ok(scanned)
    }

    /// What has become, since the moment, of each of a customer's categories that has a change to be undone. Reads
    /// history back to the moment, page by page.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn trails(&self, customer: &Customer, undo: &Undo) -> Result<BTreeMap<CategoryId, Trail>> {
        let mut query = self.history_range(customer, RevisionRange::ALL.after(undo.as_of)).newest_first();
        let mut trails: BTreeMap<CategoryId, Trail> = BTreeMap::new();
        while !query.done {
            for entry in query.next(None, items::into_entry::<CategoryAttributes>).await? {
                let (id, before) = (entry.id, trails.remove(&entry.id));
                trails.insert(id, undo.follow(before, entry));
            }
        }
        trails.retain(|_, trail| trail.is_meant);
        Ok(trails)
    }

    /// Takes a category back, by an ordinary change on condition that nobody has changed it since its trail was read;
    /// in a dry run, finds out whether that could be. What others have changed is left alone.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn restore(
        &self,
        path: &CategoryPath,
        trail: Trail,
        undo: &Undo,
        dry_run: bool,
    ) -> Result<Restored> {
        let left_alone = |why: String| Ok(Restored::LeftAlone(why));
        if let Some((changed_by, changed_at)) = trail.other {
            return left_alone(changed_since(&changed_by, changed_at));
        }
        let record = self.read(path).await?;
        if record.as_ref().map(crate::domain::Record::revision) != Some(trail.newest) {
            return left_alone("it is being changed just now".to_owned());
        }
        let change = match undo.decide(path.id, record, trail.before, self.clock.timestamp()) {
            Undoing::Nothing => return Ok(Restored::Already),
            Undoing::Change(change) => change,
        };
        match self.admit(change.assignment(&path.owner)).await {
            Ok(()) => {}
            Err(refusal @ (Error::Invalid(_) | Error::NotFound(_))) => {
                return left_alone(refusal.to_string());
            }
            Err(failure) => return Err(failure),
        }
        if dry_run {
            return Ok(Restored::Done);
        }
        let set = ChangeSet::new(&path.owner, slice::from_ref(&change), Unless::BeingErased);
        match self.commit(&set).await? {
            Commit::Done | Commit::Repeated(_) => Ok(Restored::Done),
            Commit::Lost(_) | Commit::NameTaken(_) => left_alone("it is being changed just now".to_owned()),
            Commit::Erased(erased) => left_alone(erased.to_string()),
        }
    }
}

fn changed_since(changed_by: &str, changed_at: Timestamp) -> String {
    format!("{changed_by} changed it at {changed_at}")
}
