//! Each of this service's functions: its package, its start, and a warm request of its sample event.

use std::process::{Command, Stdio};

use emulator::Database;
use serde::Serialize;
use serde_json::Value;

use crate::{
    built::{self, Built, Contestant, FUNCTIONS},
    compare::{Settings, millis, progress, started},
    events::Events,
    process::{Process, Request, Roots},
    server::Server,
    stats::Quartiles,
};

/// Warm requests in a round, of those of a contestant.
const PART_OF_WARM: usize = 10;

/// How often a process under valgrind may fail to meet the deadline of its first request.
const MAX_LATE: usize = 10;

/// Times are in milliseconds, sizes in MB.
#[derive(Debug, Serialize)]
pub struct Function {
    pub name: &'static str,
    pub package: f64,
    pub init: Quartiles,
    /// CPU of a warm request.
    pub cpu: Quartiles,
    /// Instructions of a warm request, where valgrind is there.
    pub instructions: Option<u64>,
    pub peak_memory: f64,
}

#[derive(Debug, Default)]
struct Samples {
    init: Vec<f64>,
    cpu: Vec<f64>,
    peak: f64,
}

pub async fn run(
    built: &Built,
    server: &Server,
    events: &mut Events<'_>,
    settings: &Settings,
) -> Vec<Function> {
    let database = Database::with_latency(&server.dynamodb_url, settings.latency).await;
    let roots = Roots::new(&database, None);
    let warm = settings.warm.div_ceil(PART_OF_WARM);
    let mut samples: [Samples; FUNCTIONS.len()] = Default::default();
    let progress = progress(settings.rounds * FUNCTIONS.len());
    for round in 0..settings.rounds {
        let mut turns: Vec<usize> = (0..FUNCTIONS.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let (name, samples) = (FUNCTIONS[turn], &mut samples[turn]);
            progress.set_message(name);
            let mut process = started(&built.function(name), &database, &roots).await;
            samples.init.push(millis(process.init));
            // The first looks up the key and, to give a value, what the catalogue says.
            for request in 0..=warm {
                let event = events.next(name).await;
                let before = process.cpu();
                succeed(&mut process, name, &event, &database).await;
                if request > 0 {
                    samples.cpu.push(millis(process.cpu().saturating_sub(before)));
                }
            }
            samples.peak = samples.peak.max(process.peak() as f64 / 1000.0);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();

    let counts = Command::new("valgrind").arg("--version").output().is_ok();
    if !counts {
        eprintln!("left out: instructions, which valgrind would count");
    }
    let mut figures = Vec::new();
    for (name, samples) in FUNCTIONS.into_iter().zip(samples) {
        let contestant = built.function(name);
        let instructions =
            if counts { instructions(&contestant, name, events, &database, &roots).await } else { None };
        figures.push(Function {
            name,
            package: built::zipped(&contestant.package) as f64 / 1e6,
            init: Quartiles::of(&samples.init),
            cpu: Quartiles::of(&samples.cpu),
            instructions,
            peak_memory: samples.peak,
        });
    }
    figures
}

/// Invokes a function with an event of its own, which must be answered as it should.
pub async fn succeed(process: &mut Process, function: &str, event: &Value, database: &Database) -> Request {
    let (request, answer) = process.invoke(event, database).await;
    assert!(is_right(function, &answer), "{function}: {answer}");
    request
}

fn is_right(function: &str, answer: &Value) -> bool {
    let wanted = if function == "not-found" { 404..405 } else { 200..300 };
    wanted.contains(&answer["statusCode"].as_u64().unwrap_or_default())
}

/// Instructions that a warm request takes: the difference of two runs, by what they did more.
async fn instructions(
    contestant: &Contestant,
    function: &str,
    events: &mut Events<'_>,
    database: &Database,
    roots: &Roots,
) -> Option<u64> {
    const FEW: u64 = 20;
    const MANY: u64 = 120;

    let under_valgrind = Contestant {
        program: "valgrind".into(),
        arguments: vec![
            "--tool=callgrind".into(),
            "--callgrind-out-file=/dev/null".into(),
            contestant.program.clone(),
        ],
        ..contestant.clone()
    };
    let mut totals = [0, 0];
    for (total, requests) in totals.iter_mut().zip([FEW, MANY]) {
        let Some(counted) = counted(&under_valgrind, requests, function, events, database, roots).await
        else {
            eprintln!(
                "left out: instructions of {function}, which comes too late under valgrind on this machine"
            );
            return None;
        };
        *total = counted;
    }
    Some((totals[1] - totals[0]) / (MANY - FEW))
}

/// Instructions of a process until it has answered so many requests; `None` if one of them has not met its deadline. The
/// first, for which valgrind translates the code, may be repeated for that.
async fn counted(
    under_valgrind: &Contestant,
    requests: u64,
    function: &str,
    events: &mut Events<'_>,
    database: &Database,
    roots: &Roots,
) -> Option<u64> {
    let piped = |command: &mut Command| {
        command.stderr(Stdio::piped());
    };
    let mut process = Process::start_with(under_valgrind, database, roots, piped).await;
    let (mut answered, mut late) = (0, 0);
    while answered < requests {
        let event = events.next(function).await;
        let (_, answer) = process.invoke(&event, database).await;
        if matches!(answer["statusCode"].as_u64(), Some(503 | 504)) {
            late += 1;
            if answered > 0 || late > MAX_LATE {
                return None;
            }
            continue;
        }
        assert!(is_right(function, &answer), "{function}: {answer}");
        answered += 1;
    }
    let said = process.terminate();
    let total = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    Some(total.unwrap_or_else(|| panic!("no total of callgrind's in {said}")))
}
