//! Copies the local engine's data file while a server works on it, by SQLite's own means.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::{
    database::{self, DatabaseError},
    files::NewFile,
};
use crate::{
    Data,
    options::{BackupOptions, EngineOptions},
    output::{self, OutputError},
    server::{engine, error::StartError, lock},
};

/// How long a writer is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// What SQLite writes beside a database. Left of another one, it would be taken for the copy's.
const OF_SQLITE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data file is not there.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The data file is not the engine's, or can't be read.
    #[error(transparent)]
    Data(#[from] StartError),
    /// The data is in no file.
    #[error("data in memory has no file to copy; `export --org ORG` writes what an organisation has")]
    InMemory,
    /// The copy can't be written.
    #[error("{} can't be written", path.display())]
    Output {
        /// The copy.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is left of a database that was in the copy's place.
    #[error(
        "{} is left of a database that was there before; move it away, for SQLite would take it for the copy's",
        .0.display()
    )]
    Left(PathBuf),
    /// SQLite can't copy the data.
    #[error("the data file {} can't be copied", data.display())]
    Copy {
        /// The data file.
        data: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The copy is not as it should be.
    #[error("the copy is damaged, so the data file {} may be too: {problem}", data.display())]
    Damaged {
        /// The data file.
        data: PathBuf,
        /// What SQLite's check found first.
        problem: String,
    },
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
}

/// Runs the command.
///
/// # Errors
/// [`BackupError`]; then there is no copy, unless it only can't be told.
pub async fn run(options: &BackupOptions, engine: &EngineOptions) -> Result<(), BackupError> {
    let Data::File(data) = engine.data() else { return Err(BackupError::InMemory) };
    let path = &options.file;
    let unwritten = |source| BackupError::Output { path: path.clone(), source };
    database::require_data(&data, engine)?;
    if let Some(left) = OF_SQLITE.iter().map(|of| lock::beside(path, of)).find(|left| left.exists()) {
        return Err(BackupError::Left(left));
    }
    let file = NewFile::create_new(path, &data).map_err(unwritten)?;
    let source = lock::resolved(&data).map_err(|source| StartError::Io { path: data.clone(), source })?;
    engine::refuse_foreign(&source)?;

    // In a thread that nobody waits for, so that a signal ends the command at once.
    let (done, copied) = oneshot::channel();
    let into = file.temporary().to_owned();
    thread::spawn(move || {
        let _no_longer_wanted = done.send(copy(&source, &into));
    });
    let failed = |source| BackupError::Copy { data: data.clone(), source };
    let problem = copied.await.unwrap_or(Err(rusqlite::Error::InvalidQuery)).map_err(failed)?;
    if let Some(problem) = problem {
        return Err(BackupError::Damaged { data, problem });
    }
    let bytes = file.temporary().metadata().map_err(unwritten)?.len();
    file.place().map_err(unwritten)?;
    Ok(output::line(format_args!(
        "{} has all that was committed when the copy began, {bytes} bytes",
        path.display()
    ))?)
}

/// Copies what is committed at this moment; writers go on meanwhile. Returns what is wrong with the copy, if anything.
fn copy(data: &Path, into: &Path) -> rusqlite::Result<Option<String>> {
    let database = Connection::open_with_flags(data, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(BUSY_TIMEOUT)?;
    database.execute("VACUUM INTO ?1", [into.to_string_lossy()])?;
    let copy = Connection::open_with_flags(into, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: String = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}
