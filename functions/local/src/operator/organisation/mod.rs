//! The operator's commands for all that an organisation has.

mod export;
mod history;
mod stats;

use std::{io, path::PathBuf};

use shared::clock::Clock;

pub(super) use self::history::Histories;
use super::database::{self, DatabaseError};
use crate::{
    options::{EngineOptions, ExportOptions, StatsOptions},
    output::OutputError,
};

/// Why a command did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// The database can't be opened or read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The export can't be written.
    #[error("{} can't be written", path.display())]
    Output {
        /// The file, or `standard output`.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was found can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
}

impl From<shared::Error> for OrganisationError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Runs the command `export`. Returns whether the organisation has anything.
///
/// # Errors
/// [`OrganisationError`]; then there is no file.
pub async fn export(options: &ExportOptions, engine: &EngineOptions) -> Result<bool, OrganisationError> {
    let begun = options.output.as_deref().map(|path| export::begin(path, &engine.data)).transpose()?;
    let (store, _engine) = database::open(options.table.remote(), engine, &Clock::default()).await?;
    export::export(&store, &options.org, begun).await
}

/// Runs the command `stats`.
///
/// # Errors
/// [`OrganisationError`].
pub async fn stats(options: &StatsOptions, engine: &EngineOptions) -> Result<(), OrganisationError> {
    let (store, _engine) = database::open(options.table.remote(), engine, &Clock::default()).await?;
    stats::stats(&store, options.org.as_ref(), options.table.table.is_some()).await
}
