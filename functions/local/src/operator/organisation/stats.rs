//! How much there is, and how it grew.

use std::collections::BTreeMap;

use comfy_table::{Table, presets::NOTHING};
use shared::{
    domain::{ChangeKind, Customer, OrgId, Timestamp},
    store::{Counted, CountedKind, ScanPosition, Store},
};

use super::{super::table, OrganisationError};
use crate::output;

/// Bytes of a read unit, of which an eventually consistent Scan takes half a one.
const BYTES_PER_UNIT: u64 = 4096;

/// USD for a million read units on demand, in most regions.
const USD_PER_MILLION_UNITS: f64 = 0.125;

/// Digits of a month, such as `2026-11`.
const MONTH: usize = 7;

/// What has been counted.
#[derive(Default)]
struct Stats {
    customers: u64,
    categories: u64,
    entries: u64,
    bytes: u64,
    months: BTreeMap<String, Month>,
    /// Whose items have come last, and whether they had an entry.
    last: Option<(Customer, bool)>,
}

/// What happened in a month.
#[derive(Default)]
struct Month {
    /// Customers whose first change this was.
    customers: u64,
    created: u64,
    updated: u64,
    deleted: u64,
    /// Of the entries of the history.
    bytes: u64,
}

/// Counts, and prints what there is. Of a table in AWS it says before what that costs.
///
/// # Errors
/// [`OrganisationError`].
pub(super) async fn stats(store: &Store, org: Option<&OrgId>, in_aws: bool) -> Result<(), OrganisationError> {
    if in_aws {
        tell_cost(store).await;
    }
    let mut stats = Stats::default();
    let count = async |from: Option<&ScanPosition>| store.count(org, from).await;
    table::read(store, count, async |found: Vec<Counted>| {
        for counted in found {
            stats.add(counted);
        }
        Ok::<_, OrganisationError>(())
    })
    .await?;
    Ok(stats.show()?)
}

async fn tell_cost(store: &Store) {
    let Ok(size) = store.table_size().await else {
        output::remark(
            "Reading the whole table takes 0.5 read units per 4 KB; how large it is can't be told.",
        );
        return;
    };
    let units = size.bytes.div_ceil(BYTES_PER_UNIT).div_ceil(2);
    #[expect(clippy::cast_precision_loss, reason = "it is an estimate")]
    let usd = units as f64 / 1e6 * USD_PER_MILLION_UNITS;
    output::remark(format_args!(
        "The table has {} items in {} bytes, as counted within the last six hours: reading it all takes {units} read \
         units, about {usd:.2} USD.",
        size.items, size.bytes
    ));
}

impl Stats {
    /// Items of one customer come in one piece, the entries from the oldest on.
    fn add(&mut self, Counted { customer, kind, bytes }: Counted) {
        self.bytes += bytes;
        let is_last = self.last.as_ref().is_some_and(|(last, _)| *last == customer);
        if !is_last {
            self.customers += 1;
            self.last = Some((customer, false));
        }
        match kind {
            CountedKind::Category => self.categories += 1,
            CountedKind::Entry(change, changed_at) => self.add_entry(change, changed_at, bytes),
            CountedKind::Other => {}
        }
    }

    fn add_entry(&mut self, change: ChangeKind, changed_at: Timestamp, bytes: u64) {
        self.entries += 1;
        let name = changed_at.to_string().get(..MONTH).unwrap_or_default().to_owned();
        let month = self.months.entry(name).or_default();
        month.bytes += bytes;
        *match change {
            ChangeKind::Created => &mut month.created,
            ChangeKind::Updated => &mut month.updated,
            ChangeKind::Deleted => &mut month.deleted,
        } += 1;
        if let Some((_, had_one @ false)) = &mut self.last {
            *had_one = true;
            month.customers += 1;
        }
    }

    fn show(&self) -> Result<(), output::OutputError> {
        let Self { customers, categories, entries, bytes, .. } = self;
        output::line(format_args!(
            "{customers} customers, {categories} categories, {entries} changes in history, {bytes} bytes"
        ))?;
        if self.months.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["MONTH", "NEW CUSTOMERS", "CREATED", "UPDATED", "DELETED", "BYTES OF HISTORY"]);
        for (name, month) in &self.months {
            let Month { customers, created, updated, deleted, bytes } = month;
            let numbers = [customers, created, updated, deleted, bytes].map(ToString::to_string);
            table.add_row([name.clone()].into_iter().chain(numbers));
        }
        output::line(table.trim_fmt())
    }
}
