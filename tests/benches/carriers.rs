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
    process::{Process, Roots, in_a_row},
    report::{grouped, number},
    server::{Data, Server},
    stats::quantile,
};

const PAGE: usize = 1000;

/// Pages of a large collection that are measured.
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
    for &size in sizes {
        fill::put(&server, "carriers", size, (0..size).map(|number| carrier(number, size))).await;
        let pages = pages(&list, size, &database, &roots).await;
        let counted = counted(&count, size, &database, &roots).await;
        writeln!(table, "| {} | {pages} | {counted} |", grouped(size)).unwrap();
    }
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

async fn pages(list: &Contestant, size: usize, database: &Database, roots: &Roots) -> String {
    let mut process = Process::start(list, database, roots).await;
    let (mut cpu, mut calls, mut found) = (Vec::new(), 0, 0);
    let mut event = asked("list-carriers", size);
    // The first request opens connections and looks the key up.
    process.succeed(&event, database).await;
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
    format!(
        "{} ms | {} ms | {} | {} MB",
        number(quantile(&cpu, 0.5)),
        number(quantile(&cpu, 1.0)),
        number(calls as f64 / cpu.len() as f64),
        number(process.peak() as f64 / 1000.0)
    )
}

/// A count whose answers come from memory, so that nothing but the distance to the database matters: those before it
/// have brought them there, and may have run out of time over it.
async fn counted(count: &Contestant, size: usize, database: &Database, roots: &Roots) -> String {
    let mut process = Process::start(count, database, roots).await;
    let event = asked("count-carriers", size);
    let count_of = |answer: &Value| -> Value {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        json!([body["count"], body["precision"]])
    };
    let whole = json!([size, "exact"]);
    let mut attempts = 0;
    while count_of(&process.invoke(&event, database).await.1) != whole {
        attempts += 1;
        assert!(attempts < 20, "{size} carriers can't be counted");
    }
    let (request, answer) = process.invoke(&event, database).await;
    assert_eq!(count_of(&answer), whole);
    let queries: Vec<&Call> = request.calls.iter().filter(|call| call.operation == "Query").collect();
    let in_a_row = in_a_row(queries.iter().copied());
    assert!(in_a_row <= queries.len() / 8 + 4, "{in_a_row} of {}", queries.len());
    format!(
        "{} ms | {} | {in_a_row} | {} | {} MB",
        number(millis(request.took)),
        queries.len(),
        grouped(size * 27 / 1000),
        number(process.peak() as f64 / 1000.0)
    )
}
