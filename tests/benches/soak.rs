//! Clients that change and read categories for as long as it is told, and know what each answer
//! must be.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    built,
    compare::{millis, progress},
    server::{Data, Server},
    stats::quantile,
};

/// Requests that a client makes for one customer before it goes on to a new one.
const PER_CUSTOMER: u32 = 200;

const IDS: i32 = 12;

#[derive(Debug, Default)]
struct Outcome {
    reads: Vec<f64>,
    writes: Vec<f64>,
    /// When each write had its answer.
    written: Vec<Instant>,
    wrong: Vec<String>,
}

/// One client's view of its customer: what it carries, with each category's revision, and every
/// change, oldest first.
#[derive(Debug, Default)]
struct Known {
    categories: BTreeMap<i32, (Value, String)>,
    changes: Vec<(i32, &'static str)>,
}

pub async fn run(time: Duration, clients: u32) {
    let local = built::local();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&local, &Data::File(directory.path().join("soak.db")));
    let began = Instant::now();
    let end = began + time;
    let mut working = JoinSet::new();
    for _ in 0..clients {
        let http = server.http.clone();
        working.spawn(work(http, server.url.clone(), end));
    }

    let progress = progress(usize::try_from(time.as_secs()).unwrap());
    let mut resident = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(1)).await;
        resident.push(server.resident() as f64 / 1000.0);
        progress.inc(1);
    }
    let mut all = Outcome::default();
    while let Some(outcome) = working.join_next().await {
        let outcome = outcome.unwrap();
        all.reads.extend(outcome.reads);
        all.writes.extend(outcome.writes);
        all.written.extend(outcome.written);
        all.wrong.extend(outcome.wrong);
    }
    progress.finish_and_clear();

    println!("{} clients for {} min", clients, time.as_secs() / 60);
    for (kind, times) in [("reads", &all.reads), ("writes", &all.writes)] {
        println!(
            "{kind}: {} ({:.0} a second), median {:.1} ms, p99 {:.1} ms",
            times.len(),
            times.len() as f64 / time.as_secs_f64(),
            quantile(times, 0.5),
            quantile(times, 0.99)
        );
    }
    let tenths: Vec<String> = (1..=10)
        .map(|tenth| format!("{:.1}", resident[(resident.len() * tenth / 10).saturating_sub(1)]))
        .collect();
    let rates = per_second(&all.written, began, time / 10);
    println!("writes a second in each tenth of the time: {}", rates.join(" "));
    println!("memory in use, MB, at each tenth of the time: {}", tenths.join(" "));
    println!("wrong answers: {}", all.wrong.len());
    for wrong in all.wrong.iter().take(20) {
        println!("  {wrong}");
    }
    assert!(all.wrong.is_empty());
}

fn per_second(written: &[Instant], began: Instant, tenth: Duration) -> Vec<String> {
    let rate = |number: u32| {
        let (from, to) = (began + tenth * number, began + tenth * (number + 1));
        let count = written.iter().filter(|at| (from..to).contains(*at)).count();
        format!("{:.0}", count as f64 / tenth.as_secs_f64())
    };
    (0..10).map(rate).collect()
}

async fn work(http: Client, url: String, end: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    while Instant::now() < end {
        let customer = Uuid::new_v4();
        let categories = format!("{url}/v4/orgs/telco/customers/{customer}/categories");
        let mut known = Known::default();
        for _ in 0..PER_CUSTOMER {
            if Instant::now() >= end {
                break;
            }
            let started = Instant::now();
            let (is_read, right) = request(&http, &categories, &mut known).await;
            let times = if is_read { &mut outcome.reads } else { &mut outcome.writes };
            times.push(millis(started.elapsed()));
            if !is_read {
                outcome.written.push(Instant::now());
            }
            if let Err(wrong) = right {
                outcome.wrong.push(wrong);
                break;
            }
        }
    }
    outcome
}

/// Sends a request of a random kind. Tells whether it reads, and how its answer was wrong.
async fn request(http: &Client, categories: &str, known: &mut Known) -> (bool, Result<(), String>) {
    let id = fastrand::i32(0..IDS);
    let one = format!("{categories}/{id}");
    match fastrand::u32(0..100) {
        0..30 => (true, read(http, &one, known.categories.get(&id)).await),
        30..40 => (true, list(http, categories, known).await),
        40..50 => (true, history(http, categories, known).await),
        50..70 => (false, create(http, categories, id, known).await),
        70..92 => (false, update(http, &one, id, known).await),
        _ => (false, delete(http, &one, id, known).await),
    }
}

async fn send(
    http: &Client,
    method: Method,
    url: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, String, Value), String> {
    let request = http.request(method.clone(), url).header("x-auth-roles", "API_KEY");
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.map_err(|error| format!("{method} {url}: {error}"))?;
    let status = answer.status();
    let etag = answer.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned());
    let body = answer.text().await.map_err(|error| format!("{method} {url}: {error}"))?;
    Ok((status, etag.unwrap_or_default(), serde_json::from_str(&body).unwrap_or_default()))
}

fn expect(what: &str, found: &Value, wanted: &Value) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found} in place of {wanted}")) }
}

async fn read(http: &Client, url: &str, known: Option<&(Value, String)>) -> Result<(), String> {
    let (status, etag, body) = send(http, Method::GET, url, None).await?;
    let Some((value, revision)) = known else {
        return expect("status of what is not there", &json!(status.as_u16()), &json!(404));
    };
    expect("value", &body["value"], value)?;
    expect("ETag", &json!(etag), &json!(revision))
}

async fn list(http: &Client, categories: &str, known: &Known) -> Result<(), String> {
    let (_, _, body) = send(http, Method::GET, categories, None).await?;
    let found: Vec<Value> = body["categories"]
        .as_array()
        .map(|list| list.iter().map(|category| json!([category["id"], category["value"]])).collect())
        .unwrap_or_default();
    let wanted: Vec<Value> = known.categories.iter().map(|(id, (value, _))| json!([id, value])).collect();
    expect("categories", &json!(found), &json!(wanted))
}

async fn history(http: &Client, categories: &str, known: &Known) -> Result<(), String> {
    let (_, _, body) = send(http, Method::GET, &format!("{categories}/historical"), None).await?;
    let found: Vec<Value> = body["history"]
        .as_array()
        .map(|list| list.iter().map(|entry| json!([entry["id"], entry["change"]])).collect())
        .unwrap_or_default();
    let wanted: Vec<Value> = known.changes.iter().rev().map(|change| json!(change)).collect();
    expect("history", &json!(found), &json!(wanted))
}

async fn create(http: &Client, categories: &str, id: i32, known: &mut Known) -> Result<(), String> {
    let value = json!(Uuid::new_v4().to_string());
    let body = json!({ "id": id, "value": value, "description": "Soaked", "reason": "To see what happens" });
    let (status, etag, _) = send(http, Method::POST, categories, Some(&body)).await?;
    if known.categories.contains_key(&id) {
        return expect("status of a POST of what exists", &json!(status.as_u16()), &json!(409));
    }
    expect("status of a POST", &json!(status.as_u16()), &json!(201))?;
    known.categories.insert(id, (value, etag));
    known.changes.push((id, "created"));
    Ok(())
}

async fn update(http: &Client, url: &str, id: i32, known: &mut Known) -> Result<(), String> {
    let value = json!(Uuid::new_v4().to_string());
    let (status, etag, _) = send(http, Method::PATCH, url, Some(&json!({ "value": value }))).await?;
    let Some(category) = known.categories.get_mut(&id) else {
        return expect("status of a PATCH of nothing", &json!(status.as_u16()), &json!(404));
    };
    expect("status of a PATCH", &json!(status.as_u16()), &json!(204))?;
    *category = (value, etag);
    known.changes.push((id, "updated"));
    Ok(())
}

async fn delete(http: &Client, url: &str, id: i32, known: &mut Known) -> Result<(), String> {
    let (status, ..) = send(http, Method::DELETE, url, None).await?;
    if known.categories.remove(&id).is_none() {
        return expect("status of a DELETE of nothing", &json!(status.as_u16()), &json!(404));
    }
    known.changes.push((id, "deleted"));
    expect("status of a DELETE", &json!(status.as_u16()), &json!(204))
}
