//! The operator's commands for the catalogue: what an organisation's categories mean.

mod definitions;
mod draft;
mod survey;

use std::{io, path::PathBuf};

use shared::{
    clock::Clock,
    domain::{OrgId, Policy},
    store::Store,
};

use self::{definitions::Definitions, draft::Draft, survey::Survey};
use super::{
    database::{self, DatabaseError, retry_while_unavailable},
    import::{self, ImportError, Settings, Summary},
};
use crate::{
    options::{CatalogueCommand, CatalogueOptions, EngineOptions},
    output::{self, OutputError},
};

/// Why a command did not do all it should.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The database can't be opened, read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Definitions of the file have not been taken over yet.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The result can't be told.
    #[error(transparent)]
    Told(#[from] OutputError),
    /// The draft can't be written.
    #[error("{} can't be written", path.display())]
    Draft {
        /// The draft.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<shared::Error> for CatalogueError {
    fn from(error: shared::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Runs a command. What it has to show is on standard output, remarks are on standard error. Returns what became of
/// the lines of an import; other commands have none.
///
/// # Errors
/// [`CatalogueError`].
pub async fn run(options: &CatalogueOptions, engine: &EngineOptions) -> Result<Summary, CatalogueError> {
    let table = &options.table;
    let open = async || database::open(table.remote(), engine, &Clock::default()).await;
    match &options.command {
        CatalogueCommand::Policy { org, unknown } => {
            let (store, _engine) = open().await?;
            policy(&store, org, *unknown).await?;
        }
        CatalogueCommand::Import { file, lines } => {
            // One catalogue is one subject, so more than one line at once is never worked on.
            let settings =
                Settings { input: file, rejected: lines.rejected.as_deref(), table, concurrency: 1 };
            return Ok(import::import_lines(Definitions::new(lines), settings, engine).await?);
        }
        CatalogueCommand::Survey { org, draft } => {
            // Whether the draft can be written is told before the table is read.
            let draft = draft.as_deref().map(|path| Draft::create(path, &engine.data)).transpose()?;
            let (store, _engine) = open().await?;
            let survey = Survey::conduct(&store, org).await?;
            survey.show()?;
            draft.map_or(Ok(()), |draft| draft.write(&survey))?;
        }
    }
    Ok(Summary::default())
}

/// Shows the policy, or sets it.
async fn policy(store: &Store, org: &OrgId, unknown: Option<Policy>) -> Result<(), CatalogueError> {
    let Some(unknown) = unknown else {
        output::line(retry_while_unavailable(|| store.policy(org)).await?)?;
        return Ok(());
    };
    retry_while_unavailable(|| store.set_policy(org, unknown)).await?;
    let done = match unknown {
        Policy::Accept => "accepted",
        Policy::Reject => "rejected",
    };
    output::remark(format_args!(
        "Categories that the catalogue of {org} does not define are {done} from now on, everywhere within \
         30 seconds."
    ));
    Ok(())
}
