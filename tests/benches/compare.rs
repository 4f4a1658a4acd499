//! Contestants in turn: there and back in every two rounds, so that whatever the machine does
//! meanwhile meets all of them alike.

use std::time::Duration;

use emulator::Database;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use crate::{
    built::{self, Built, Contestant},
    events::event,
    process::{Process, Roots},
    server::Server,
    share::Share,
    stats::{Quartiles, quantile},
};

/// What limits a process's CPU time needs a while to be counted from scratch.
pub const REST: Duration = Duration::from_millis(60);

/// Which of the contestants is this service.
const OURS: usize = 0;

/// Warm requests of each process at its share of a core.
const AT_SHARE: usize = 10;

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Settings {
    pub rounds: usize,
    pub warm: usize,
    pub latency: Duration,
    pub share: f64,
}

/// A contestant's figures. Times are in milliseconds and without DynamoDB's, sizes in MB.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub name: String,
    pub init: Quartiles,
    /// Ours alone: init of the function that opens no connection.
    pub init_unconnected: Option<Quartiles>,
    pub first: Quartiles,
    pub warm: Quartiles,
    pub warm_p99: f64,
    pub warm_cpu: Quartiles,
    pub cold_cpu: Quartiles,
    pub peak_memory: f64,
    pub package: f64,
    pub connections: usize,
    pub calls_first: Vec<String>,
    pub calls_warm: Vec<String>,
    pub at_share: Option<AtShare>,
}

/// Figures with a part of a core after init.
#[derive(Debug, Serialize)]
pub struct AtShare {
    pub first: Quartiles,
    /// Ours alone: what of it passed until the key was looked up.
    pub key_look_up: Option<Quartiles>,
    /// DynamoDB's time included, as Lambda bills it.
    pub warm_billed: Quartiles,
}

impl Figures {
    /// From the start to the first answer, with a whole core at first and then the share, without DynamoDB's time.
    pub fn cold(&self) -> Option<f64> {
        Some(self.init.median + self.at_share.as_ref()?.first.median)
    }
}

#[derive(Debug, Default)]
struct Samples {
    init: Vec<f64>,
    first: Vec<f64>,
    warm: Vec<f64>,
    warm_cpu: Vec<f64>,
    cold_cpu: Vec<f64>,
    peak: Vec<f64>,
    connections: usize,
    calls_first: Vec<String>,
    calls_warm: Vec<String>,
    share_first: Vec<f64>,
    share_key_look_up: Vec<f64>,
    share_warm: Vec<f64>,
}

pub async fn run(built: &Built, server: &Server, settings: &Settings) -> Vec<Figures> {
    let event = event("get-category");
    let database = Database::with_latency(&server.dynamodb_url, settings.latency).await;
    let roots = Roots::new(&database, built.python_roots.as_deref());
    let share = Share::new(settings.share);
    if let Err(error) = &share {
        eprintln!("left out: a share of a core: {error}");
    }
    let unconnected = built.function("not-found");

    let mut samples: Vec<Samples> = built.contestants.iter().map(|_| Samples::default()).collect();
    let mut unconnected_init = Vec::new();
    let progress = progress(settings.rounds * built.contestants.len());
    for round in 0..settings.rounds {
        let mut turns: Vec<usize> = (0..built.contestants.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let contestant = &built.contestants[turn];
            progress.set_message(contestant.name.clone());
            if turn == OURS {
                unconnected_init.push(millis(started(&unconnected, &database, &roots).await.init));
            }
            measure(contestant, &database, &roots, &event, settings.warm, &mut samples[turn]).await;
            if let Ok(share) = &share {
                at_share(contestant, &database, &roots, &event, share, &mut samples[turn]).await;
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();

    let mut figures = Vec::new();
    for (index, (contestant, samples)) in built.contestants.iter().zip(samples).enumerate() {
        let mut of_one = samples.figures(contestant);
        if index == OURS {
            of_one.init_unconnected = Some(Quartiles::of(&unconnected_init));
        }
        figures.push(of_one);
    }
    figures
}

pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta} {msg}").unwrap();
    ProgressBar::new(steps as u64).with_style(style)
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The second of two starts, so that what ran before it matters less.
pub async fn started(contestant: &Contestant, database: &Database, roots: &Roots) -> Process {
    drop(Process::start(contestant, database, roots).await);
    Process::start(contestant, database, roots).await
}

async fn measure(
    contestant: &Contestant,
    database: &Database,
    roots: &Roots,
    event: &Value,
    warm: usize,
    samples: &mut Samples,
) {
    let mut process = started(contestant, database, roots).await;
    samples.init.push(millis(process.init));
    let first = process.succeed(event, database).await;
    samples.first.push(millis(first.overhead));
    samples.cold_cpu.push(millis(process.cpu()));
    samples.calls_first = first.operations();
    let before = process.cpu();
    for _ in 0..warm {
        let request = process.succeed(event, database).await;
        samples.warm.push(millis(request.overhead));
        samples.calls_warm = request.operations();
    }
    samples.warm_cpu.push(millis(process.cpu().saturating_sub(before)) / warm as f64);
    samples.peak.push(process.peak() as f64 / 1000.0);
    samples.connections = samples.connections.max(process.connections);
}

async fn at_share(
    contestant: &Contestant,
    database: &Database,
    roots: &Roots,
    event: &Value,
    share: &Share,
    samples: &mut Samples,
) {
    let mut process = Process::start(contestant, database, roots).await;
    share.limit(process.id());
    for request in 0..=AT_SHARE {
        tokio::time::sleep(REST).await;
        let took = process.succeed(event, database).await;
        if request == 0 {
            samples.share_first.push(millis(took.overhead));
            samples.share_key_look_up.extend(took.key_look_up.map(millis));
        } else {
            samples.share_warm.push(millis(took.took));
        }
    }
}

impl Samples {
    fn figures(self, contestant: &Contestant) -> Figures {
        Figures {
            name: contestant.name.clone(),
            init: Quartiles::of(&self.init),
            init_unconnected: None,
            first: Quartiles::of(&self.first),
            warm: Quartiles::of(&self.warm),
            warm_p99: quantile(&self.warm, 0.99),
            warm_cpu: Quartiles::of(&self.warm_cpu),
            cold_cpu: Quartiles::of(&self.cold_cpu),
            peak_memory: self.peak.iter().copied().fold(0.0, f64::max),
            package: built::zipped(&contestant.package) as f64 / 1e6,
            connections: self.connections,
            calls_first: self.calls_first,
            calls_warm: self.calls_warm,
            at_share: (!self.share_first.is_empty()).then(|| AtShare {
                first: Quartiles::of(&self.share_first),
                key_look_up: (!self.share_key_look_up.is_empty())
                    .then(|| Quartiles::of(&self.share_key_look_up)),
                warm_billed: Quartiles::of(&self.share_warm),
            }),
        }
    }
}
