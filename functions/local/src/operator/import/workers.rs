//! One thread that reads and parses lines, and many workers that import them.
//!
//! What a line is about decides which worker gets the line. So lines about one customer, or one catalogue, are
//! worked on in the file's order, and are not in each other's way. Queues are bounded: the reader waits when the
//! database is slower.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, Read},
    sync::Arc,
    thread,
};

use shared::store::{Import, Store};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    super::database::{DatabaseError, retry_while_unavailable},
    Kind,
    lines::{Line, Lines, parse},
};

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

type Job<K> = (Line, <K as Kind>::Said);
pub(super) type Report = (Line, Outcome);

/// Starts the reader and as many workers, which end when their reports are no longer wanted.
pub(super) fn start<K: Kind>(
    kind: K,
    workers: u16,
    store: &Store,
    input: Box<dyn Read + Send>,
) -> (mpsc::Receiver<Report>, JoinSet<()>) {
    let (reports, received) = mpsc::channel(usize::from(workers));
    let kind = Arc::new(kind);
    let mut running = JoinSet::new();
    let queues: Vec<_> = (0..workers)
        .map(|_| {
            let (queue, jobs) = mpsc::channel(QUEUED_LINES_PER_WORKER);
            running.spawn(work(kind.clone(), store.clone(), jobs, reports.clone()));
            queue
        })
        .collect();
    // Reading can block for ever on a terminal or a pipe, so the thread is not waited for.
    thread::spawn(move || read(&*kind, BufReader::new(input), &queues, &reports));
    (received, running)
}

/// Imports the lines of one queue, one after the other.
async fn work<K: Kind>(
    kind: Arc<K>,
    store: Store,
    mut jobs: mpsc::Receiver<Job<K>>,
    reports: mpsc::Sender<Report>,
) {
    while let Some((line, said)) = jobs.recv().await {
        let outcome = match retry_while_unavailable(|| kind.take_over(&store, &said)).await {
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
fn read<K: Kind>(
    kind: &K,
    input: impl BufRead,
    queues: &[mpsc::Sender<Job<K>>],
    reports: &mpsc::Sender<Report>,
) {
    for line in Lines::new(input) {
        let wanted = match line {
            Err((line, source)) => {
                let _ended_already = reports.blocking_send((line, Outcome::Unreadable(source)));
                return;
            }
            Ok(line) => match parse(&line, |text, number| kind.read(text, number)) {
                Ok(None) => reports.blocking_send((line, Outcome::LeftOut)).is_ok(),
                Ok(Some(said)) => {
                    let queue = queues.get(worker(&kind.subject(&said), queues.len()));
                    queue.is_some_and(|queue| queue.blocking_send((line, said)).is_ok())
                }
                Err(problems) => reports.blocking_send((line, Outcome::Rejected(problems))).is_ok(),
            },
        };
        if !wanted {
            return;
        }
    }
}

/// The index of the worker for lines about a subject.
fn worker(subject: &impl Hash, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    usize::try_from(hasher.finish() % workers as u64).unwrap_or_default()
}
