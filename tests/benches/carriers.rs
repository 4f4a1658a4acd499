//! Who carries a category, and how many do, of collections of different sizes.

use std::{fmt::Write as _, time::Duration};

use emulator::{Call, Database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    built::{self, Contestant},
    compare::millis,
    document,
    events::event,
    fill,
    log::Log,
    process::{Process, Roots, in_a_row},
    report::{grouped, number},
    server::{Data, Server},
    stats::quantile,
    targets::{self, Bound::AtMost, target},
};

const PAGE: usize = 1000;

/// Pages that are measured: those of a large collection, or a small one's again and again.
const MAX_PAGES: usize = 40;

const SAYS: [(&str, &str); 1] = [("value", "influencer")];

/// When all of them were given the category, as Unix time in milliseconds.
const GIVEN: u64 = 1_795_416_360_123;

/// Prints a table, and writes it into the document unless `dry_run`. Each size has a category of its own, whose id is
/// the size.
pub async fn run(sizes: &[usize], latency: Duration, dry_run: bool) {
    let (local, list, count) =
        (built::local(), built::function("list-carriers"), built::function("count-carriers"));
    let server = Server::start(&local, &Data::Memory);
    let database = Database::with_latency(&server.dynamodb_url, latency).await;
    let roots = Roots::new(&database, None);
    let mut table =
        "| carriers | page of 1,000: CPU | of the most | calls per page | peak memory | count: time | calls \
                     | in a row | units | peak memory |\n|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    let (mut cpu, mut memory) = (Vec::new(), 0.0_f64);
    for &size in sizes {
        fill::put(&server, "carriers", size, (0..size).map(|number| carrier(number, size))).await;
        let pages = pages(&list, size, &database, &roots).await;
        let counted = counted(&count, size, &database, &roots).await;
        writeln!(table, "| {} | {} | {} |", grouped(size), pages.row(), counted.row()).unwrap();
        cpu.push(pages.cpu);
        memory = memory.max(pages.peak_memory).max(counted.peak_memory);
    }
    let growth = cpu.iter().copied().fold(0.0, f64::max) / cpu[0];
    let flat = "CPU of a page, the dearest collection's against the first's";
    let targets = [
        target(flat, AtMost(1.5), "×", Some(growth)),
        target("peak memory", AtMost(16.0), " MB", Some(memory)),
    ];
    write!(table, "\n{}", targets::table(&targets)).unwrap();
    println!("{table}");
    if !dry_run {
        document::replace(document::FIGURES, "cargo bench -- carriers", &table);
    }
}

fn carrier(number: usize, size: usize) -> Value {
    let customer = Uuid::from_u128((size as u128) << 64 | number as u128);
    let revision = fill::revision(GIVEN, number);
    fill::category(customer, size, &SAYS, revision, revision)
}

/// The sample event, for the category of this size.
fn asked(function: &str, size: usize) -> Value {
    let mut event = event(function);
    event["pathParameters"]["category_id"] = json!(size.to_string());
    event
}

/// Times are in milliseconds, memory is in MB.
struct Pages {
    cpu: f64,
    cpu_most: f64,
    calls: f64,
    peak_memory: f64,
}

impl Pages {
    fn row(&self) -> String {
        let [cpu, most, calls, memory] = [self.cpu, self.cpu_most, self.calls, self.peak_memory].map(number);
        format!("{cpu} ms | {most} ms | {calls} | {memory} MB")
    }
}

struct Counted {
    took: f64,
    calls: usize,
    in_a_row: usize,
    units: f64,
    peak_memory: f64,
}

impl Counted {
    fn row(&self) -> String {
        let Self { took, calls, in_a_row, units, peak_memory } = self;
        let [took, memory] = [*took, *peak_memory].map(number);
        format!("{took} ms | {calls} | {in_a_row} | {} | {memory} MB", grouped(*units as usize))
    }
}

async fn pages(list: &Contestant, size: usize, database: &Database, roots: &Roots) -> Pages {
    let mut process = Process::start(list, database, roots).await;
    let (mut cpu, mut calls) = (Vec::new(), 0);
    let first = asked("list-carriers", size);
    // The first request opens connections and looks the key up.
    process.succeed(&first, database).await;
    while cpu.len() < MAX_PAGES {
        let (mut event, mut found) = (first.clone(), 0);
        for _ in 0..MAX_PAGES {
            let before = process.cpu();
            let (request, answer) = process.invoke(&event, database).await;
            cpu.push(millis(process.cpu().saturating_sub(before)));
            calls += request.calls.len();
            let page: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            found += page["customers"].as_array().unwrap().len();
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            event["rawQueryString"] = json!(format!("cursor={cursor}"));
            event["queryStringParameters"] = json!({ "cursor": cursor });
        }
        assert_eq!(found, size.min(MAX_PAGES * PAGE), "every page but the last is full");
    }
    Pages {
        cpu: quantile(&cpu, 0.5),
        cpu_most: quantile(&cpu, 1.0),
        calls: calls as f64 / cpu.len() as f64,
        peak_memory: process.peak() as f64 / 1000.0,
    }
}

/// A count whose answers come from memory, so that nothing but the distance to the database matters: those before it
/// have brought them there, and may have run out of time over it.
async fn counted(count: &Contestant, size: usize, database: &Database, roots: &Roots) -> Counted {
    let mut log = Log::new();
    let logged = |command: &mut _| log.take_from(command);
    let mut process = Process::start_with(count, database, roots, logged).await;
    let event = asked("count-carriers", size);
    let count_of = |answer: &Value| -> Value {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        json!([body["count"], body["precision"]])
    };
    let whole = json!([size, "exact"]);
    let mut attempts = 0;
    loop {
        let (_, answer) = process.invoke(&event, database).await;
        if count_of(&answer) == whole {
            break;
        }
        attempts += 1;
        assert!(attempts < 100, "{size} carriers can't be counted: {answer}");
    }
    log.units();
    let (request, answer) = process.invoke(&event, database).await;
    assert_eq!(count_of(&answer), whole);
    let queries: Vec<&Call> = request.calls.iter().filter(|call| call.operation == "Query").collect();
    let in_a_row = in_a_row(queries.iter().copied());
    assert!(in_a_row <= queries.len() / 8 + 4, "{in_a_row} of {}", queries.len());
    Counted {
        took: millis(request.took),
        calls: queries.len(),
        in_a_row,
        units: log.units().read,
        peak_memory: process.peak() as f64 / 1000.0,
    }
}
