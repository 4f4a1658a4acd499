//! The operator's command that takes categories over from another system.
//!
//! A thread reads and parses lines; each goes to one of many workers by the category that it is
//! about, so that lines about one category are worked on in the file's order. Queues are bounded:
//! who reads faster than the database writes, waits.

use std::{
    fs::{self, File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shared::{
    Error,
    clock::Clock,
    domain::{Author, Customer, ImportedCategory, OrgId},
    error::Violation,
    store::{Import, Store},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::database::{self, DatabaseError, retry_while_unavailable};
use crate::options::{EngineOptions, ImportOptions};

/// Bytes of a line, as of a POST's body, without its end.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Bytes of a longer line that are repeated when it is rejected.
const SHOWN_BYTES_OF_LONG_LINE: usize = 256;

/// Lines that wait for each worker.
const QUEUED_LINES_PER_WORKER: usize = 2;

const STANDARD_INPUT: &str = "-";
const REJECTED: &str = "rejected.jsonl";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("{} can't be read: {source}", path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{} can't be written: {source}", path.display())]
    Rejected { path: PathBuf, source: io::Error },
    #[error("{} can't take both the lines and those that are rejected", .0.display())]
    SameFile(PathBuf),
    #[error("the import stopped at line {line}; run it again for the rest: {source}")]
    Stopped { line: u64, source: DatabaseError },
}

/// How many lines fared how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    pub imported: u64,
    /// Nothing to do: taken over before, or the same is here already.
    pub present: u64,
    pub rejected: u64,
}

/// A line, and where it ends.
#[derive(Debug)]
struct Line {
    number: u64,
    /// Bytes from the start of the input to the line's end.
    end: u64,
    text: Vec<u8>,
}

/// What became of a line.
enum Outcome {
    Imported,
    Present,
    Rejected(Vec<String>),
    Failed(DatabaseError),
    Unreadable(io::Error),
}

type Job = (Line, ImportedCategory);
type Report = (Line, Outcome);

#[derive(Serialize)]
struct RejectedLine<'a> {
    line: u64,
    problems: &'a [String],
    text: &'a str,
}

/// Runs the command. The summary is on standard output.
///
/// # Errors
/// [`ImportError`]; then lines of the file have not been taken over yet.
pub async fn run(options: &ImportOptions, engine: &EngineOptions) -> Result<Summary, ImportError> {
    let path = options.file.clone();
    let unreadable = |source| ImportError::Input { path: path.clone(), source };
    let (input, length): (Box<dyn Read + Send>, _) = if path.as_os_str() == STANDARD_INPUT {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(&path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        if found.is_dir() {
            return Err(unreadable(io::ErrorKind::IsADirectory.into()));
        }
        (Box::new(file), found.is_file().then_some(found.len()))
    };
    let clock = Clock::default();
    let (store, _engine) = database::open(options.table.remote(), engine, &clock).await?;
    let mut rejected = RejectedLines::create(&path, options.rejected.as_deref())?;

    let bar = progress(length);
    let (mut reports, _workers) = start(options, store, clock, input);
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
            Outcome::Unreadable(source) => return Err(ImportError::Input { path, source }),
        }
        bar.set_position(bar.position().max(line.end));
    }
    bar.finish_and_clear();
    let Summary { imported, present, rejected: refused } = summary;
    println!("{imported} imported, {present} there already, {refused} rejected");
    if let Some(path) = rejected.finish()? {
        eprintln!("{} says which lines were rejected, and why.", path.display());
    }
    Ok(summary)
}

/// Starts the reader and the workers, which end when their reports are no longer wanted.
fn start(
    options: &ImportOptions,
    store: Store,
    clock: Clock,
    input: Box<dyn Read + Send>,
) -> (mpsc::Receiver<Report>, JoinSet<()>) {
    let (reports, received) = mpsc::channel(usize::from(options.concurrency));
    let by_default = Author::from(options.changed_by.clone());
    let shared = Arc::new((store, options.org.clone(), by_default));
    let mut workers = JoinSet::new();
    let queues: Vec<_> = (0..options.concurrency)
        .map(|_| {
            let (queue, jobs) = mpsc::channel(QUEUED_LINES_PER_WORKER);
            workers.spawn(work(shared.clone(), jobs, reports.clone()));
            queue
        })
        .collect();
    // Reading can block for ever on a terminal or a pipe, so it gets a thread that nobody waits for.
    thread::spawn(move || read(&clock, BufReader::new(input), &queues, &reports));
    (received, workers)
}

/// Works off the lines of some categories, one after the other.
async fn work(
    shared: Arc<(Store, OrgId, Author)>,
    mut jobs: mpsc::Receiver<Job>,
    reports: mpsc::Sender<Report>,
) {
    let (store, org, by_default) = &*shared;
    while let Some((line, imported)) = jobs.recv().await {
        let customer = Customer { org: org.clone(), id: imported.customer };
        let author = imported.changed_by.as_ref().unwrap_or(by_default);
        let outcome = match retry_while_unavailable(|| store.import(&customer, &imported, author)).await {
            Ok(Import::Created) => Outcome::Imported,
            Ok(Import::Present) => Outcome::Present,
            Ok(Import::Conflict(problem)) => Outcome::Rejected(vec![problem]),
            Err(error) => Outcome::Failed(error.into()),
        };
        if reports.send((line, outcome)).await.is_err() {
            return;
        }
    }
}

/// Reads lines up to the end, or until nobody wants them any more.
fn read(clock: &Clock, input: impl BufRead, queues: &[mpsc::Sender<Job>], reports: &mpsc::Sender<Report>) {
    for line in Lines::new(input) {
        let wanted = match line {
            Err((line, source)) => {
                let _nobody_wants_it = reports.blocking_send((line, Outcome::Unreadable(source)));
                return;
            }
            Ok(line) => match parse(&line, clock) {
                Ok(imported) => {
                    let queue = queues.get(worker(&imported, queues.len()));
                    queue.is_some_and(|queue| queue.blocking_send((line, imported)).is_ok())
                }
                Err(problems) => reports.blocking_send((line, Outcome::Rejected(problems))).is_ok(),
            },
        };
        if !wanted {
            return;
        }
    }
}

fn worker(imported: &ImportedCategory, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    (imported.customer, imported.category.id).hash(&mut hasher);
    usize::try_from(hasher.finish() % workers as u64).unwrap_or_default()
}

fn parse(line: &Line, clock: &Clock) -> Result<ImportedCategory, Vec<String>> {
    if line.text.len() as u64 > MAX_LINE_BYTES {
        return Err(vec![format!("the line must have at most {MAX_LINE_BYTES} bytes")]);
    }
    ImportedCategory::parse(&line.text, clock.timestamp()).map_err(|error| match error {
        Error::Invalid(violations) => violations.iter().map(problem).collect(),
        other => vec![format!("{other:?}")],
    })
}

fn problem(violation: &Violation) -> String {
    match violation.field.as_str() {
        "body" => format!("the line {}", violation.problem),
        _ => violation.to_string(),
    }
}

/// The lines of an input that are not blank. Of a line that is too long no more is kept than it
/// takes to tell.
struct Lines<R> {
    input: R,
    number: u64,
    end: u64,
}

impl<R: BufRead> Lines<R> {
    fn new(input: R) -> Self {
        Self { input, number: 0, end: 0 }
    }

    /// The next line, blank or not; `None` at the end.
    fn advance(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let mut length = self.input.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', text)? as u64;
        if length > MAX_LINE_BYTES && !text.ends_with(b"\n") {
            length += self.input.skip_until(b'\n')? as u64;
        }
        self.number += 1;
        self.end += length;
        if text.ends_with(b"\n") {
            text.pop();
        }
        // Files from other systems often start with one, which is no part of the first line.
        if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(length > 0)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line, (Line, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = Vec::new();
            let more = self.advance(&mut text);
            let line = Line { number: self.number, end: self.end, text };
            match more {
                Err(error) => return Some(Err((line, error))),
                Ok(false) => return None,
                Ok(true) if line.text.trim_ascii().is_empty() => {}
                Ok(true) => return Some(Ok(line)),
            }
        }
    }
}

/// The file of rejected lines. It is there while an import runs, and afterwards if it has any.
struct RejectedLines {
    path: PathBuf,
    file: BufWriter<File>,
    any: bool,
}

impl RejectedLines {
    fn create(input: &Path, path: Option<&Path>) -> Result<Self, ImportError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None if input.as_os_str() == STANDARD_INPUT => PathBuf::from("import").with_extension(REJECTED),
            None => input.with_extension(REJECTED),
        };
        let real = |path: &Path| fs::canonicalize(path).ok();
        if real(&path).is_some_and(|path| real(input) == Some(path)) {
            return Err(ImportError::SameFile(path));
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        match file {
            Ok(file) => Ok(Self { path, file: BufWriter::new(file), any: false }),
            Err(source) => Err(ImportError::Rejected { path, source }),
        }
    }

    fn add(&mut self, line: &Line, problems: &[String]) -> Result<(), ImportError> {
        let shown = match line.text.len() as u64 {
            0..=MAX_LINE_BYTES => line.text.as_slice(),
            _ => line.text.get(..SHOWN_BYTES_OF_LONG_LINE).unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(shown);
        let rejected = RejectedLine { line: line.number, problems, text: &text };
        self.any = true;
        serde_json::to_writer(&mut self.file, &rejected)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|source| self.failed(source))
    }

    /// Where the rejected lines are, if there are any.
    fn finish(mut self) -> Result<Option<PathBuf>, ImportError> {
        let done =
            self.file.flush().and_then(|()| if self.any { Ok(()) } else { fs::remove_file(&self.path) });
        done.map_err(|source| self.failed(source))?;
        Ok(self.any.then_some(self.path))
    }

    fn failed(&self, source: io::Error) -> ImportError {
        ImportError::Rejected { path: self.path.clone(), source }
    }
}

/// A bar over the bytes of the input, or where their number isn't known, what there is to count.
fn progress(length: Option<u64>) -> ProgressBar {
    let (bar, template) = match length {
        Some(length) => (ProgressBar::new(length), "{wide_bar} {bytes} of {total_bytes}, {eta} to go"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} in {elapsed}"),
    };
    // The templates are valid, and the bar only an ornament.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
