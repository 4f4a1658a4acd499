//! Who carries a category, and how many do, of collections of different sizes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use emulator::{Call, Database};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    built::{self, Contestant},
    compare::{event, millis, progress},
    process::{Process, Roots},
    report::{grouped, number},
    server::{Data, Server},
    stats::quantile,
};

const PAGE: usize = 1000;

/// Pages of a large collection that are measured.
const MAX_PAGES: usize = 40;

const VALUE: &str = "influencer";
const REVISION: &str = "01a208e8-fe27-75de-a151-569bda83de6f";

/// Items that one `BatchWriteItem` puts, and how many of these are under way at once.
const PER_BATCH: usize = 25;
const AT_ONCE: usize = 8;

/// Prints a table. Each size has a category of its own, whose id is the size.
pub async fn run(sizes: &[usize], latency: Duration) {
    let (local, list, count) =
        (built::local(), built::function("list-carriers"), built::function("count-carriers"));
    let server = Server::start(&local, &Data::Memory);
    let database = Database::with_latency(&server.dynamodb_url, latency).await;
    let roots = Roots::new(&database, None);
    println!(
        "| carriers | page of 1,000: CPU | of the most | calls per page | peak memory | count: time | calls | in a \
         row | units | peak memory |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for &size in sizes {
        fill(&server, size).await;
        let pages = pages(&list, size, &database, &roots).await;
        let counted = counted(&count, size, &database, &roots).await;
        println!("| {} | {pages} | {counted} |", grouped(size));
    }
}

fn contestant(program: &Path) -> Contestant {
    Contestant {
        name: "this service".to_owned(),
        program: program.to_owned(),
        arguments: vec![],
        package: program.to_owned(),
    }
}

/// The sample event, for the category of this size.
fn asked(function: &str, size: usize) -> Value {
    let mut event = event(function);
    event["pathParameters"]["category_id"] = json!(size.to_string());
    event
}

async fn pages(program: &Path, size: usize, database: &Database, roots: &Roots) -> String {
    let mut process = Process::start(&contestant(program), database, roots).await;
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
async fn counted(program: &Path, size: usize, database: &Database, roots: &Roots) -> String {
    let mut process = Process::start(&contestant(program), database, roots).await;
    let event = asked("count-carriers", size);
    let count_of = |answer: &Value| -> Value {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        json!([body["count"], body["precision"]])
    };
    let whole = json!([size, "exact"]);
    let mut attempts = 0;
    while count_of(&process.raw(&event).await) != whole {
        attempts += 1;
        assert!(attempts < 20, "{size} carriers can't be counted");
    }
    database.served();
    let began = Instant::now();
    let answer = process.raw(&event).await;
    let took = began.elapsed();
    assert_eq!(count_of(&answer), whole);
    let queries: Vec<Call> =
        database.served().calls.into_iter().filter(|call| call.operation == "Query").collect();
    let in_a_row = in_a_row(&queries);
    assert!(in_a_row <= queries.len() / 8 + 4, "{in_a_row} of {}", queries.len());
    format!(
        "{} ms | {} | {in_a_row} | {} | {} MB",
        number(millis(took)),
        queries.len(),
        grouped(size * 27 / 1000),
        number(process.peak() as f64 / 1000.0)
    )
}

/// How many calls waited for another one's answer: the longest chain in which each began when the one before had ended.
fn in_a_row(calls: &[Call]) -> usize {
    let mut depths: Vec<usize> = Vec::new();
    for call in calls {
        let began = call.answered.checked_sub(call.took).unwrap();
        let before = calls.iter().zip(&depths).filter(|(other, _)| other.answered <= began);
        depths.push(1 + before.map(|(_, depth)| *depth).max().unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}

/// Writes past the API, which would keep a history of it all.
async fn fill(server: &Server, size: usize) {
    let progress = progress(size);
    progress.set_message("carriers");
    let mut under_way = JoinSet::new();
    for first in (0..size).step_by(PER_BATCH) {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let batch: Vec<Value> =
            (first..size.min(first + PER_BATCH)).map(|number| put(number, size)).collect();
        let request = server
            .http
            .post(&server.dynamodb_url)
            .header("x-amz-target", "DynamoDB_20120810.BatchWriteItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20261123T064600Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=0",
            )
            .body(json!({ "RequestItems": { "customers-categories": batch } }).to_string());
        progress.inc(batch.len() as u64);
        under_way.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        });
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    progress.finish_and_clear();
}

/// A category as the service writes it.
fn put(number: usize, size: usize) -> Value {
    let customer = Uuid::from_u128((size as u128) << 64 | number as u128);
    let shard = Sha256::digest(customer.as_bytes())[0] % 8;
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(VALUE)[..16]);
    let offset = size as u64 + (1 << 31);
    json!({ "PutRequest": { "Item": {
        "pk": { "S": format!("telco#{customer}") },
        "sk": { "S": format!("CATEGORY#{offset:010}") },
        "id": { "N": size.to_string() },
        "value": { "S": VALUE },
        "created": { "S": REVISION },
        "revision": { "S": REVISION },
        "carriers_pk": { "S": format!("telco#{size}#{shard}") },
        "carriers_sk": { "S": format!("VALUE#{hash}#{customer}") },
    } } })
}
