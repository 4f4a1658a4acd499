//! The operator's commands for all that is held on one customer.

mod erase;
mod export;

use std::{io, path::PathBuf};

use shared::{clock::Clock, domain::Customer};

use self::erase::Shown;
pub(super) use self::export::Line;
use super::database::{self, DatabaseError};
use crate::{
    options::{CustomersCommand, CustomersOptions, EngineOptions},
    output::OutputError,
};

/// Why a command did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum CustomersError {
    /// The database can't be opened or read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Standard input is no terminal.
    #[error("nobody is there to be asked; `--yes` erases without asking")]
    NobodyToAsk,
    /// The question was not answered with yes.
    #[error("nothing has been erased")]
    Declined,
    /// The export can't be written.
    #[error("{} can't be written", path.display())]
    Output {
        /// The file, or `standard output`.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
    /// The question can't be put.
    #[error("the terminal can't be read or written")]
    Terminal(#[source] io::Error),
    /// The database failed amid an erasure.
    #[error("the erasure stopped after {done}; run it again for the rest")]
    Stopped {
        /// What has been erased.
        done: Shown,
        /// What the database failed with.
        source: DatabaseError,
    },
}

impl From<shared::Error> for CustomersError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Runs a command. What it has to show is on standard output, remarks are on standard error. Returns whether anything
/// was held on the customer.
///
/// # Errors
/// [`CustomersError`].
pub async fn run(options: &CustomersOptions, engine: &EngineOptions) -> Result<bool, CustomersError> {
    let (store, _engine) = database::open(options.table.remote(), engine, &Clock::default()).await?;
    match &options.command {
        CustomersCommand::Export { customer, output } => {
            export::export(&store, &customer.customer(), output.as_deref(), &engine.data).await
        }
        CustomersCommand::Erase { customer, yes } => erase::erase(&store, &customer.customer(), *yes).await,
    }
}

/// The customer in words.
fn named(Customer { org, id }: &Customer) -> String {
    format!("customer {id} of {org}")
}
