//! One thread that reads and parses lines, and many workers that import them.
//!
//! A worker takes over what waits for it together, as far as that can be one transaction, and one by one where the
//! transaction is refused. What a line is about decides which worker gets the line. So lines about one customer, or one catalogue, are
//! worked on in the file's order, and are not in each other's way. Queues are bounded: the reader waits when the
//! database is slower.

use std::{
    collections::VecDeque,
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

/// Lines that wait for each worker: as many as can be taken over together.
const QUEUED_LINES_PER_WORKER: usize = 49;

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

/// Imports the lines of one queue, group by group. Groups are as large as they can be without waiting for a line.
async fn work<K: Kind>(
    kind: Arc<K>,
    store: Store,
    mut jobs: mpsc::Receiver<Job<K>>,
    reports: mpsc::Sender<Report>,
) {
    let mut waiting: VecDeque<Job<K>> = VecDeque::new();
    loop {
        while waiting.len() < QUEUED_LINES_PER_WORKER
            && let Ok(job) = jobs.try_recv()
        {
            waiting.push_back(job);
        }
        if waiting.is_empty() {
            let Some(job) = jobs.recv().await else { return };
            waiting.push_back(job);
            continue;
        }
        let size = kind.group(waiting.iter().map(|(_, said)| said)).max(1).min(waiting.len());
        let group: Vec<_> = waiting.drain(..size).collect();
        let mut outcomes = outcomes(&*kind, &store, &group).await.into_iter();
        for (line, _) in group {
            let Some(outcome) = outcomes.next() else { break };
            if reports.send((line, outcome)).await.is_err() {
                return;
            }
        }
    }
}

/// What becomes of a group's lines, up to the first at which the database fails.
async fn outcomes<K: Kind>(kind: &K, store: &Store, group: &[Job<K>]) -> Vec<Outcome> {
    let said: Vec<_> = group.iter().map(|(_, said)| said).collect();
    if said.len() > 1 {
        match retry_while_unavailable(|| kind.take_over_together(store, &said)).await {
            Ok(Some(imports)) => return imports.into_iter().map(|import| outcome(Ok(import))).collect(),
            Ok(None) => {}
            Err(error) => return vec![Outcome::Failed(error.into())],
        }
    }
    let mut outcomes = Vec::with_capacity(said.len());
    for said in said {
        outcomes.push(outcome(retry_while_unavailable(|| kind.take_over(store, said)).await));
        if matches!(outcomes.last(), Some(Outcome::Failed(_))) {
            break;
        }
    }
    outcomes
}

fn outcome(import: shared::Result<Import>) -> Outcome {
    match import {
        Ok(Import::Created) => Outcome::Imported,
        Ok(Import::Present) => Outcome::Present,
        Ok(Import::Conflict(problem)) => Outcome::Rejected(vec![problem]),
        Err(error) => Outcome::Failed(error.into()),
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
