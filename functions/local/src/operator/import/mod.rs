//! The operator's command that takes categories over from another system.

mod lines;
mod rejected;
mod workers;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use shared::clock::Clock;

use self::{rejected::RejectedLines, workers::Outcome};
use super::{
    database::{self, DatabaseError},
    progress,
};
use crate::{
    options::{EngineOptions, ImportOptions},
    output::{self, OutputError},
};

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The input can't be read.
    #[error("{} can't be read", path.display())]
    Input {
        /// The input.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of rejected lines can't be written.
    #[error("{} can't be written", path.display())]
    Rejected {
        /// The file of rejected lines.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
    /// The file of rejected lines would replace the input.
    #[error("{} can't take both the lines and those that are rejected", .0.display())]
    SameFile(PathBuf),
    /// The database failed amid the import.
    #[error("the import stopped at line {line}; run it again for the rest")]
    Stopped {
        /// The number of a line that has not been taken over, from 1 on.
        line: u64,
        /// What the database failed with.
        source: DatabaseError,
    },
}

/// How many lines had which outcome. Blank lines don't count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Lines whose category is here now and was not before.
    pub imported: u64,
    /// Lines with nothing to do: taken over before, or the same is here already.
    pub present: u64,
    /// Lines that are wrong, or contradict what is here.
    pub rejected: u64,
}

/// Runs the command. The summary is on standard output.
///
/// # Errors
/// [`ImportError`]; then lines of the file have not been taken over yet.
pub async fn run(options: &ImportOptions, engine: &EngineOptions) -> Result<Summary, ImportError> {
    let path = options.file.as_path();
    let unreadable = |source| ImportError::Input { path: path.to_owned(), source };
    let (input, length_bytes) = open(path).map_err(unreadable)?;
    let clock = Clock::default();
    let (store, _engine) = database::open(options.table.remote(), engine, &clock).await?;
    let mut rejected = RejectedLines::create(path, options.rejected.as_deref())?;

    let bar = progress::of_bytes(length_bytes);
    let (mut reports, _workers) = workers::start(options, store, clock, input);
    let mut summary = Summary::default();
    while let Some((line, outcome)) = reports.recv().await {
        match outcome {
            Outcome::Imported => summary.imported += 1,
            Outcome::Present => summary.present += 1,
            Outcome::Rejected(problems) => {
                rejected.add(&line, &problems)?;
                summary.rejected += 1;
            }
            Outcome::Failed(source) => return Err(ImportError::Stopped { line: line.number, source }),
            Outcome::Unreadable(source) => return Err(unreadable(source)),
        }
        bar.set_position(bar.position().max(line.end));
    }
    bar.finish_and_clear();
    let Summary { imported, present, rejected: refused } = summary;
    let told = output::line(format_args!("{imported} imported, {present} there already, {refused} rejected"));
    if let Some(path) = rejected.finish()? {
        output::remark(format_args!("{} says which lines were rejected, and why.", path.display()));
    }
    told?;
    Ok(summary)
}

/// Opens a file, or standard input for `-`; and returns how many bytes there are to read, if that is known.
fn open(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if path.as_os_str() == STANDARD_INPUT {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok((Box::new(file), found.is_file().then_some(found.len())))
}
