//! Takes back what has been changed since a moment, by ordinary changes.

use std::{cell::RefCell, collections::BTreeMap, fmt, io, path::PathBuf};

use futures_util::{StreamExt, stream};
use serde::Serialize;
use shared::{
    clock::Clock,
    domain::{CategoryId, CategoryPath, Customer, CustomerId, OrgId, RevisionRange, Timestamp, Undo},
    store::{Restored, ScanPosition, Store},
};

use super::{
    database::{self, DatabaseError, retry_while_unavailable},
    files::NewFile,
    table,
};
use crate::{
    options::{EngineOptions, RestoreOptions},
    output::{self, OutputError, json_line},
};

/// Why a restoration did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The times are in the wrong order.
    #[error("`--as-of` must be before `--until`, and that not in the future")]
    Times,
    /// Whoever takes back is whose changes are taken back.
    #[error(
        "`--author` must be another name than `--changed-by`, or the changes that take back would be taken back"
    )]
    SameName,
    /// The summary can't be written.
    #[error("{} can't be written", path.display())]
    Summary {
        /// The summary.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
    /// The database failed midway.
    #[error("it stopped after {done}; run it again for the rest")]
    Stopped {
        /// What had been done.
        done: Total,
        /// What the database failed with.
        source: DatabaseError,
    },
}

impl From<shared::Error> for RestoreError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// How many categories had which outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Total {
    /// Taken back, or to be taken back in a dry run.
    pub restored: u64,
    /// They were as they are to be.
    pub already: u64,
    /// Changed by others since, or something else is in the way.
    pub left_alone: u64,
    dry_run: bool,
}

/// A line of the summary.
#[derive(Serialize)]
struct Line<'a> {
    customer_id: String,
    id: CategoryId,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// What became of each category.
struct Summary {
    file: NewFile,
    total: Total,
}

/// What is taken back, and how.
struct Restoration<'a> {
    store: &'a Store,
    org: &'a OrgId,
    undo: Undo,
    dry_run: bool,
}

/// Runs the command. The total is on standard output.
///
/// # Errors
/// [`RestoreError`]; after [`RestoreError::Stopped`], a part has been taken back.
pub async fn run(options: &RestoreOptions, engine: &EngineOptions) -> Result<Total, RestoreError> {
    let clock = Clock::default();
    let undo = undo(options, clock.timestamp())?;
    let mut summary = Summary::begin(options, engine, clock.timestamp())?;
    let (store, _engine) = database::open(options.table.remote(), engine, &clock).await?;
    let restoration = Restoration { store: &store, org: &options.org, undo, dry_run: options.dry_run };
    let done = match options.customer {
        Some(customer) => restoration.customers(&[customer], 1, &mut summary).await,
        None => restoration.all(options.concurrency, &mut summary).await,
    };
    // What was done is of use where it stopped, too.
    let total = summary.total;
    let kept = summary.finish();
    done.map_err(|error| match error {
        RestoreError::Database(source) => RestoreError::Stopped { done: total, source },
        other => other,
    })?;
    if let Some(path) = kept? {
        output::remark(format_args!("{} says what became of each category.", path.display()));
    }
    output::line(total)?;
    Ok(total)
}

fn undo(options: &RestoreOptions, now: Timestamp) -> Result<Undo, RestoreError> {
    let RestoreOptions { as_of, changed_by, author, reason, .. } = options;
    let until = options.until.unwrap_or(now);
    if *as_of >= until || until > now {
        return Err(RestoreError::Times);
    }
    if changed_by.as_ref().is_some_and(|changed_by| *changed_by == author.to_string()) {
        return Err(RestoreError::SameName);
    }
    let (changed_by, author) = (changed_by.clone(), author.clone().into());
    Ok(Undo { as_of: *as_of, until, changed_by, author, reason: reason.clone() })
}

impl Restoration<'_> {
    /// Those of all customers that the name has changed.
    async fn all(&self, concurrency: u16, summary: &mut Summary) -> Result<(), RestoreError> {
        let changed_by = self.undo.changed_by.as_deref().unwrap_or_default();
        let range = RevisionRange::ALL.after(self.undo.as_of).until(self.undo.until);
        let page = async |from: Option<&ScanPosition>| {
            self.store.customers_changed_by(self.org, changed_by, range, from).await
        };
        let mut last = None;
        table::read(self.store, page, async |mut found: Vec<CustomerId>| {
            // A customer whose changes go on in this page has been worked on.
            if found.first() == last.as_ref() && last.is_some() {
                found.remove(0);
            }
            last = found.last().copied().or(last);
            self.customers(&found, concurrency, summary).await
        })
        .await
    }

    async fn customers(
        &self,
        customers: &[CustomerId],
        concurrency: u16,
        summary: &mut Summary,
    ) -> Result<(), RestoreError> {
        let mut done = stream::iter(customers)
            .map(async |id| (*id, self.customer(*id).await))
            .buffer_unordered(usize::from(concurrency));
        while let Some((customer, (outcomes, ended))) = done.next().await {
            for (id, outcome) in outcomes {
                summary.add(customer, id, &outcome)?;
            }
            ended?;
        }
        Ok(())
    }

    /// What became of a customer's categories, up to the end or the first failure.
    async fn customer(&self, id: CustomerId) -> (BTreeMap<CategoryId, Restored>, shared::Result<()>) {
        let customer = Customer { org: self.org.clone(), id };
        let outcomes = RefCell::new(BTreeMap::new());
        // After a failure the trails are read again: what failed may have been carried out.
        let ended = retry_while_unavailable(|| async {
            for (id, trail) in self.store.trails(&customer, &self.undo).await? {
                if outcomes.borrow().contains_key(&id) {
                    continue;
                }
                let path = CategoryPath { owner: customer.clone(), id };
                let outcome = self.store.restore(&path, trail, &self.undo, self.dry_run).await?;
                outcomes.borrow_mut().insert(id, outcome);
            }
            Ok(())
        });
        let ended = ended.await;
        (outcomes.into_inner(), ended)
    }
}

impl Summary {
    /// Begins the file, whose place is known to be free before anything is done.
    fn begin(options: &RestoreOptions, engine: &EngineOptions, now: Timestamp) -> Result<Self, RestoreError> {
        // Colons are no good in names of files.
        let by_time = || format!("restore-{}.jsonl", now.to_string().replace(':', "-")).into();
        let path: PathBuf = options.summary.clone().unwrap_or_else(by_time);
        let total = Total { dry_run: options.dry_run, ..Total::default() };
        match NewFile::create_new(&path, &engine.data) {
            Ok(file) => Ok(Self { file, total }),
            Err(source) => Err(RestoreError::Summary { path, source }),
        }
    }

    fn add(&mut self, customer: CustomerId, id: CategoryId, outcome: &Restored) -> Result<(), RestoreError> {
        let (count, outcome, why) = match outcome {
            Restored::Done if self.total.dry_run => (&mut self.total.restored, "would_be_restored", None),
            Restored::Done => (&mut self.total.restored, "restored", None),
            Restored::Already => (&mut self.total.already, "already", None),
            Restored::LeftAlone(why) => (&mut self.total.left_alone, "left_alone", Some(why.as_str())),
        };
        *count += 1;
        let written =
            json_line(&mut self.file, &Line { customer_id: customer.to_string(), id, outcome, why });
        written.map_err(|source| RestoreError::Summary { path: self.file.path().to_owned(), source })
    }

    /// Gives the file its place, if it has a line. Returns where it is.
    fn finish(self) -> Result<Option<PathBuf>, RestoreError> {
        if self.total.is_empty() {
            return Ok(None);
        }
        let path = self.file.path().to_owned();
        match self.file.place() {
            Ok(()) => Ok(Some(path)),
            Err(source) => Err(RestoreError::Summary { path, source }),
        }
    }
}

impl Total {
    /// Whether nothing was changed that is to be taken back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.restored + self.already + self.left_alone == 0
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { restored, already, left_alone, dry_run } = self;
        let done = if *dry_run { "would be restored" } else { "restored" };
        write!(f, "{restored} {done}, {already} as they were already, {left_alone} left alone")
    }
}
