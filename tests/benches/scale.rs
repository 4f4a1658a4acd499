//! Pages of collections of different sizes.

use std::path::Path;

use emulator::Database;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    built::{Built, Contestant},
    compare::{event, millis, progress},
    process::{Process, Roots},
    server::Server,
    stats::quantile,
};

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// For how many requests memory has to stay as it is.
const MANY: usize = 10_000;

/// Figures of a list's pages. Times are in milliseconds of CPU, memory is in MB.
#[derive(Debug, Serialize)]
pub struct Pages {
    pub function: &'static str,
    /// Of the whole collection.
    pub items: usize,
    pub count: usize,
    pub per_page: usize,
    /// Median of all pages.
    pub cpu: f64,
    /// The page that took most.
    pub cpu_most: f64,
    /// Of receiving and parsing DynamoDB's answer alone, for the first page.
    pub cpu_query_alone: f64,
    pub peak_memory: f64,
    /// In use after a tenth of the requests and after all.
    pub memory_after: Option<(f64, f64)>,
}

pub async fn run(built: &Built, server: &Server) -> Vec<Pages> {
    let database = Database::with_latency(&server.dynamodb_url, std::time::Duration::ZERO).await;
    let roots = Roots::new(&database, None);
    let mut figures = Vec::new();
    for items in SIZES {
        let customer = Uuid::new_v4().to_string();
        fill(server, &customer, items).await;
        for (function, sort_keys) in [("list-categories", "CATEGORY#"), ("list-category-history", "HISTORY#")]
        {
            let event = {
                let mut event = event(function);
                event["pathParameters"]["customer_id"] = json!(customer);
                event
            };
            let alone = query_alone(&built.query_alone, sort_keys, &database, &roots, &event).await;
            figures.push(
                pages(built.function(function), function, items, &event, alone, &database, &roots).await,
            );
        }
    }
    figures
}

async fn fill(server: &Server, customer: &str, items: usize) {
    const AT_ONCE: usize = 8;

    let progress = progress(items);
    progress.set_message("categories");
    let mut under_way = JoinSet::new();
    let url = server.categories(customer);
    for id in 0..items {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let body = json!({
            "id": id,
            "value": "influencer",
            "description": "Bill discount of ten per cent for a year",
            "reason": "Sponsored videos about the summer campaign",
        });
        let request = server.http.post(&url).header("x-auth-roles", "API_KEY").json(&body);
        under_way.spawn(async move { assert_eq!(request.send().await.unwrap().status(), 201) });
        progress.inc(1);
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    progress.finish_and_clear();
}

fn contestant(name: &str, program: &Path) -> Contestant {
    Contestant {
        name: name.to_owned(),
        program: program.to_owned(),
        arguments: vec![],
        package: program.to_owned(),
    }
}

/// CPU time of the first page's query, received and parsed.
async fn query_alone(
    program: &Path,
    sort_keys: &str,
    database: &Database,
    roots: &Roots,
    event: &Value,
) -> f64 {
    let contestant = contestant("query alone", program);
    let with_keys = |command: &mut std::process::Command| {
        command.env("SORT_KEYS", sort_keys);
    };
    let mut process = Process::start_with(&contestant, database, roots, with_keys).await;
    let mut cpu = Vec::new();
    for _ in 0..20 {
        let before = process.cpu();
        process.succeed(event, database).await;
        cpu.push(millis(process.cpu().saturating_sub(before)));
    }
    quantile(&cpu, 0.5)
}

async fn pages(
    program: &Path,
    function: &'static str,
    items: usize,
    first: &Value,
    cpu_query_alone: f64,
    database: &Database,
    roots: &Roots,
) -> Pages {
    let contestant = contestant("this service", program);
    let mut process = Process::start(&contestant, database, roots).await;
    let (mut cpu, mut per_page, mut count) = (Vec::new(), 0, 0);
    // The first walk through the collection opens the connection and looks the key up.
    for walk in 0..if items > 1_000 { 1 } else { 20 } {
        let mut event = first.clone();
        loop {
            let before = process.cpu();
            let (_, answer) = process.invoke(&event, database).await;
            if walk > 0 || count > 0 {
                cpu.push(millis(process.cpu().saturating_sub(before)));
            }
            count += 1;
            let page: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            let list = page.as_object().unwrap().values().find_map(Value::as_array).unwrap();
            per_page = per_page.max(list.len());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            event["rawQueryString"] = json!(format!("cursor={cursor}"));
            event["queryStringParameters"] = json!({ "cursor": cursor });
        }
    }
    let peak_memory = process.peak() as f64 / 1000.0;
    let memory_after = if items == 1_000 {
        let progress = progress(MANY);
        progress.set_message(function);
        let mut early = 0;
        for request in 0..MANY {
            process.succeed(first, database).await;
            if request == MANY / 10 {
                early = process.resident();
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        Some((early as f64 / 1000.0, process.resident() as f64 / 1000.0))
    } else {
        None
    };
    Pages {
        function,
        items,
        count: items.div_ceil(per_page),
        per_page,
        cpu: quantile(&cpu, 0.5),
        cpu_most: quantile(&cpu, 1.0),
        cpu_query_alone,
        peak_memory,
        memory_after,
    }
}
