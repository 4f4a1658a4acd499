//! Imports of files with one JSON object per line, and the operator's command that takes categories over from
//! another system.

mod categories;
mod format;
mod lines;
mod rejected;
mod workers;

use std::{
    fmt,
    fs::File,
    hash::Hash,
    io::{self, Read},
    path::{Path, PathBuf},
};

use shared::{
    clock::Clock,
    store::{Import, Store},
};
use tokio::sync::mpsc;

pub(super) use self::lines::MAX_LINE_BYTES;
use self::{
    categories::Categories,
    format::OtherFormat,
    rejected::RejectedLines,
    workers::{Outcome, Report},
};
use super::{
    database::{self, DatabaseError},
    organisation::Histories,
    progress,
};
use crate::{
    options::{EngineOptions, ImportOptions, TableOptions},
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
    /// The input has no lines of JSON.
    #[error("{0}")]
    Format(OtherFormat),
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
    /// There is something else where the file of rejected lines should be.
    #[error(
        "{} is there already, and no file of rejected lines from an earlier import; name another by `--rejected`",
        .0.display()
    )]
    Occupied(PathBuf),
    /// No default place can take the file of rejected lines.
    #[error(
        "rejected lines could not be written to {}; name a file for them by `--rejected`",
        .0.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    NoPlace(Vec<PathBuf>),
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
    /// Lines that say what is here now and was not before.
    pub imported: u64,
    /// Lines with nothing to do: taken over before, or the same is here already.
    pub present: u64,
    /// Lines that are wrong, or contradict what is here.
    pub rejected: u64,
    /// Lines of an export that are no category.
    pub left_out: u64,
}

/// What lines say, and how that is taken over.
pub(super) trait Kind: Send + Sync + 'static {
    /// What a line says.
    type Said: Send + Sync + 'static;

    /// What a line is about.
    type Subject: Hash;

    /// The command that imports such lines.
    const COMMAND: &'static str;

    /// Reads a line, the `number`th of its file; `None` where it is of an export and there is nothing to take over.
    ///
    /// # Errors
    /// What is wrong with the line.
    fn read(&self, line: &[u8], number: u64) -> shared::Result<Option<Self::Said>>;

    /// Lines about one subject are worked on in the file's order, one after the other.
    fn subject(&self, said: &Self::Said) -> Self::Subject;

    /// How many of these lines, from the first on, can be taken over together; at least the first.
    fn group<'a>(&self, said: impl Iterator<Item = &'a Self::Said>) -> usize {
        said.take(1).count()
    }

    /// Takes over what lines say that are a [group](Self::group), all or nothing; `None` where each has to be taken
    /// over on its own.
    ///
    /// # Errors
    /// The database's failure.
    fn take_over_together(
        &self,
        _store: &Store,
        _said: &[&Self::Said],
    ) -> impl Future<Output = shared::Result<Option<Vec<Import>>>> + Send {
        std::future::ready(Ok(None))
    }

    /// Takes over what a line says.
    ///
    /// # Errors
    /// The database's failure.
    fn take_over(
        &self,
        store: &Store,
        said: &Self::Said,
    ) -> impl Future<Output = shared::Result<Import>> + Send;
}

/// Settings of an import, whatever its lines say.
pub(super) struct Settings<'a> {
    /// The file with the lines, or `-` for standard input.
    pub input: &'a Path,
    /// The file for those that are rejected, where the operator names one.
    pub rejected: Option<&'a Path>,
    /// The categories table.
    pub table: &'a TableOptions,
    /// Lines that are worked on at once.
    pub concurrency: u16,
}

/// Runs the command `import`. The summary is on standard output.
///
/// # Errors
/// [`ImportError`]; then lines of the file have not been taken over yet.
pub async fn run(options: &ImportOptions, engine: &EngineOptions) -> Result<Summary, ImportError> {
    let settings = Settings {
        input: &options.file,
        rejected: options.lines.rejected.as_deref(),
        table: &options.table,
        concurrency: options.concurrency,
    };
    if options.with_history {
        return import_lines(Histories::new(options), settings, engine).await;
    }
    import_lines(Categories::new(options), settings, engine).await
}

/// Imports lines of a kind. The summary is on standard output.
///
/// # Errors
/// [`ImportError`]; then lines of the file have not been taken over yet.
pub(super) async fn import_lines<K: Kind>(
    kind: K,
    settings: Settings<'_>,
    engine: &EngineOptions,
) -> Result<Summary, ImportError> {
    let path = settings.input;
    let unreadable = |source| ImportError::Input { path: path.to_owned(), source };
    let (input, length_bytes) = open(path).map_err(unreadable)?;
    let input = format::checked(input, path, K::COMMAND).map_err(unreadable)?.map_err(ImportError::Format)?;
    let mut rejected = RejectedLines::create(path, settings.rejected, &engine.data)?;
    let (store, _engine) = database::open(settings.table.remote(), engine, &Clock::default()).await?;

    let bar = progress::of_bytes(length_bytes);
    let (reports, _workers) = workers::start(kind, settings.concurrency, &store, input);
    let mut summary = Summary::default();
    let done = count(reports, &mut summary, &mut rejected, |end| {
        bar.set_position(bar.position().max(end));
    });
    let done = done.await;
    bar.finish_and_clear();
    // Also where the import stopped: what was rejected until then is of use.
    let kept = rejected.finish();
    let told = if done.is_ok() { output::line(summary) } else { Ok(()) };
    if let Ok(Some(path)) = &kept {
        output::remark(format_args!("{} says which lines were rejected, and why.", path.display()));
    }
    done.map_err(|stop| match stop {
        Stop::At(line, source) => ImportError::Stopped { line, source },
        Stop::Unreadable(source) => unreadable(source),
        Stop::Failed(error) => error,
    })?;
    kept?;
    told?;
    Ok(summary)
}

/// Why an import stops.
enum Stop {
    /// The database failed at this line.
    At(u64, DatabaseError),
    /// The input can't be read.
    Unreadable(io::Error),
    /// Rejected lines can't be written.
    Failed(ImportError),
}

/// Counts what becomes of the lines, up to the end or the first failure. `progress` is told how many bytes have
/// been worked on.
async fn count(
    mut reports: mpsc::Receiver<Report>,
    summary: &mut Summary,
    rejected: &mut RejectedLines,
    progress: impl Fn(u64),
) -> Result<(), Stop> {
    while let Some((line, outcome)) = reports.recv().await {
        match outcome {
            Outcome::Imported => summary.imported += 1,
            Outcome::Present => summary.present += 1,
            Outcome::LeftOut => summary.left_out += 1,
            Outcome::Rejected(problems) => {
                rejected.add(&line, problems).map_err(Stop::Failed)?;
                summary.rejected += 1;
            }
            Outcome::Failed(source) => return Err(Stop::At(line.number, source)),
            Outcome::Unreadable(source) => return Err(Stop::Unreadable(source)),
        }
        progress(line.end);
    }
    Ok(())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { imported, present, rejected, left_out } = self;
        write!(f, "{imported} imported, {present} there already, {rejected} rejected")?;
        match left_out {
            0 => Ok(()),
            _ => write!(f, ", {left_out} other lines of an export left out"),
        }
    }
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
