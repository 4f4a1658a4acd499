//! The command that fills an organisation with something to look at: a catalogue, customers, and two years of
//! history, made through the store as callers make it, by a clock that is put back.
//!
//! What it makes is the same on every day but for the dates, which are counted back from the day's beginning.

mod story;

use indicatif::ProgressBar;
use shared::{
    Error,
    clock::Clock,
    domain::{OrgId, PageRequest, Precondition, Terms, Timestamp},
    store::Store,
};

use self::story::{Deed, SHOWCASE, Step};
use super::{
    database::{self, DatabaseError, retry_while_unavailable},
    progress,
};
use crate::{
    options::{DemoOptions, EngineOptions},
    output::{self, OutputError},
};

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database can't be opened, read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The organisation is somebody's.
    #[error("the organisation {0} has a catalogue already; name one that has none by `--org`")]
    Occupied(OrgId),
    /// What the demonstration is made of can't be read.
    #[error("the demonstration's own data are wrong: {0}")]
    Story(String),
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
}

impl From<Error> for DemoError {
    fn from(error: Error) -> Self {
        Self::Database(error.into())
    }
}

/// Runs the command. What was made is on standard output.
///
/// # Errors
/// [`DemoError`]; if amid the work, with a part of it done.
pub async fn run(options: &DemoOptions, engine: &EngineOptions) -> Result<(), DemoError> {
    let DemoOptions { org, customers } = options;
    let clock = Clock::default();
    // Whoever wants something to look at means a new file, too.
    let engine = EngineOptions { create_data: true, ..engine.clone() };
    let (store, _engine) = database::open(None, &engine, &clock).await?;
    if has_catalogue(&store, org).await? {
        return Err(DemoError::Occupied(org.clone()));
    }
    let steps = story::tell(org, *customers, clock.timestamp()).map_err(DemoError::Story)?;
    let bar = progress::of_items(Some(steps.len() as u64), "changes made");
    let done = make(&store, &clock, &steps, &bar).await;
    bar.finish_and_clear();
    done?;
    output::line(format_args!(
        "{} changes of {customers} customers and the catalogue of {org}",
        steps.len()
    ))?;
    output::line(format_args!(
        "Look at customer {SHOWCASE} of {org} in the console, while the server runs."
    ))?;
    Ok(())
}

async fn has_catalogue(store: &Store, org: &OrgId) -> Result<bool, DemoError> {
    let page = PageRequest { limit: 1, after: None };
    match retry_while_unavailable(|| store.list(org, page, None)).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound(_)) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

/// Makes the changes one after the other, each when it was made.
async fn make(store: &Store, clock: &Clock, steps: &[Step], bar: &ProgressBar) -> Result<(), DemoError> {
    for step in steps {
        clock.shift_wall(between(clock.timestamp(), step.at));
        retry_while_unavailable(|| take(store, step)).await?;
        bar.inc(1);
    }
    Ok(())
}

/// Milliseconds from one moment to another; negative is back.
fn between(from: Timestamp, to: Timestamp) -> i64 {
    let millis = |moment: Timestamp| i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
    millis(to) - millis(from)
}

async fn take(store: &Store, step: &Step) -> shared::Result<()> {
    let Step { author, deed, .. } = step;
    let terms = Terms { author: author.clone(), expected: Precondition::None, idempotency: None };
    match deed {
        Deed::Define(org, new) => store.create(org, new, &terms).await?,
        Deed::Redefine(path, patch) => store.update(path, patch, &terms).await?,
        Deed::Give(customer, new) => store.create(customer, new, &terms).await?,
        Deed::Change(path, patch) => store.update(path, patch, &terms).await?,
        Deed::Take(path, reason) => store.delete(path, Some(reason), &terms).await?,
    };
    Ok(())
}
