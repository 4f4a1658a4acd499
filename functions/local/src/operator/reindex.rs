//! The operator's command that gives what was carried before there was an index of carriers its place in it.

use shared::{
    clock::Clock,
    domain::CategoryPath,
    store::{ScanPosition, Store},
};

use super::{
    database::{self, DatabaseError},
    table,
};
use crate::{
    options::{EngineOptions, ReindexOptions},
    output::{self, OutputError},
};

/// Why the command did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database failed midway.
    #[error("the command stopped after {indexed} categories; run it again for the rest")]
    Stopped {
        /// Categories that have been given their place.
        indexed: usize,
        /// What the database failed with.
        source: DatabaseError,
    },
    /// The result can't be told.
    #[error(transparent)]
    Told(#[from] OutputError),
}

/// Runs the command. The result is on standard output, the progress bar on standard error.
///
/// # Errors
/// [`ReindexError`]. After [`ReindexError::Stopped`], a part of the categories has its place.
pub async fn run(options: &ReindexOptions, engine: &EngineOptions) -> Result<(), ReindexError> {
    let (store, _engine) = database::open(options.table.remote(), engine, &Clock::default()).await?;
    let indexed = reindex(&store).await?;
    Ok(match indexed {
        0 => output::line("all that is carried has its place in the index of carriers"),
        1 => output::line("1 category has been given its place in the index of carriers"),
        _ => output::line(format_args!(
            "{indexed} categories have been given their place in the index of carriers"
        )),
    }?)
}

async fn reindex(store: &Store) -> Result<usize, ReindexError> {
    let mut indexed = 0;
    let take = async |found: Vec<CategoryPath>| {
        indexed += found.len();
        Ok::<(), shared::Error>(())
    };
    let done = table::read(store, async |from: Option<&ScanPosition>| store.reindex(from).await, take).await;
    match done {
        Ok(()) => Ok(indexed),
        Err(source) => Err(ReindexError::Stopped { indexed, source: source.into() }),
    }
}
