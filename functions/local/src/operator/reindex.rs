//! The operator's command that gives what was carried before there was an index of carriers its place in it.

use shared::{clock::Clock, store::Store};

use super::{
    database::{self, DatabaseError, retry_while_unavailable},
    progress,
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
        indexed: u64,
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

async fn reindex(store: &Store) -> Result<u64, ReindexError> {
    // Without the permission to describe the table, only the bar's end is not known.
    let items = store.count_table().await.ok().flatten().filter(|count| *count > 0);
    let bar = progress::of_items(items, "read");
    let (mut indexed, mut position) = (0, None);
    loop {
        let done = retry_while_unavailable(|| store.reindex(position.as_ref())).await;
        let done = done.map_err(|source| {
            bar.finish_and_clear();
            ReindexError::Stopped { indexed, source: source.into() }
        })?;
        indexed += done.indexed;
        progress::advance(&bar, done.items_read);
        if done.next.is_none() {
            bar.finish_and_clear();
            return Ok(indexed);
        }
        position = done.next;
    }
}
