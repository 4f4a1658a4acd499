//! One thread that reads and parses lines, and many workers that import them.
//!
//! The customer that a line is about decides which worker gets the line. So lines about one category are worked on
//! in the file's order, and lines about one customer, whose transactions all check the same note, are not in each
//! other's way. Queues are bounded: the reader waits when the database is slower.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, Read},
    sync::Arc,
    thread,
};

use shared::{
    clock::Clock,
    domain::{Author, Customer, ImportLine, ImportedCategory, OrgId},
    store::{Import, Store, Unless},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    super::database::{DatabaseError, retry_while_unavailable},
    lines::{Line, Lines, parse},
};
use crate::options::ImportOptions;

/// Lines that wait for each worker.
const QUEUED_LINES_PER_WORKER: usize = 2;

/// What became of a line.
pub(super) enum Outcome {
    /// It is in the table now.
    Imported,
    /// There was nothing to do.
    Present,
    /// It is of an export, and no category.
    LeftOut,
    /// All that is wrong with it.
    Rejected(Vec<String>),
    /// The database failed.
    Failed(DatabaseError),
    /// The input can't be read from here on.
    Unreadable(io::Error),
}

type Job = (Line, ImportedCategory);
pub(super) type Report = (Line, Outcome);

/// Starts the reader and the workers, which end when their reports are no longer wanted.
pub(super) fn start(
    options: &ImportOptions,
    store: Store,
    clock: Clock,
    input: Box<dyn Read + Send>,
) -> (mpsc::Receiver<Report>, JoinSet<()>) {
    let (reports, received) = mpsc::channel(usize::from(options.concurrency));
    let by_default = Author::from(options.changed_by.clone());
    let unless = if options.allow_erased { Unless::BeingErased } else { Unless::Erased };
    let context = Arc::new((store, options.org.clone(), by_default, unless));
    let mut workers = JoinSet::new();
    let queues: Vec<_> = (0..options.concurrency)
        .map(|_| {
            let (queue, jobs) = mpsc::channel(QUEUED_LINES_PER_WORKER);
            workers.spawn(work(context.clone(), jobs, reports.clone()));
            queue
        })
        .collect();
    // Reading can block for ever on a terminal or a pipe, so the thread is not waited for.
    let org = options.org.clone();
    thread::spawn(move || read(&org, &clock, BufReader::new(input), &queues, &reports));
    (received, workers)
}

/// Imports the lines of some customers, one after the other.
async fn work(
    context: Arc<(Store, OrgId, Author, Unless)>,
    mut jobs: mpsc::Receiver<Job>,
    reports: mpsc::Sender<Report>,
) {
    let (store, org, by_default, unless) = &*context;
    while let Some((line, imported)) = jobs.recv().await {
        let customer = Customer { org: org.clone(), id: imported.customer };
        let author = imported.changed_by.as_ref().unwrap_or(by_default);
        let import = || store.import(&customer, &imported, author, *unless);
        let outcome = match retry_while_unavailable(import).await {
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

/// Reads lines up to the end, or until their reports are no longer wanted.
fn read(
    org: &OrgId,
    clock: &Clock,
    input: impl BufRead,
    queues: &[mpsc::Sender<Job>],
    reports: &mpsc::Sender<Report>,
) {
    for line in Lines::new(input) {
        let wanted = match line {
            Err((line, source)) => {
                let _ended_already = reports.blocking_send((line, Outcome::Unreadable(source)));
                return;
            }
            Ok(line) => match parse(&line, org, clock) {
                Ok(ImportLine::Other) => reports.blocking_send((line, Outcome::LeftOut)).is_ok(),
                Ok(ImportLine::Category(imported)) => {
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

/// The index of the worker for a customer.
fn worker(imported: &ImportedCategory, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    imported.customer.hash(&mut hasher);
    usize::try_from(hasher.finish() % workers as u64).unwrap_or_default()
}
