//! Requests for collections of different sizes.

use std::time::Duration;

use emulator::Database;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    built::{Built, Contestant},
    compare::{millis, progress},
    events::event,
    fill,
    process::{Process, Roots},
    server::Server,
    stats::quantile,
};

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// For how many requests memory has to stay as it is.
const MANY: usize = 10_000;

const SAYS: [(&str, &str); 3] = [
    ("value", "influencer"),
    ("description", "Bill discount of ten per cent for a year"),
    ("reason", "Sponsored videos about the summer campaign"),
];
const HOUR: u64 = 3_600_000;

/// The middle of all that is filled in, also as Unix time in milliseconds. Changes are an hour apart: as many days would
/// not have passed since 1970.
const MIDDLE: (&str, u64) = ("2020-01-01T00:30:00Z", 1_577_838_600_000);

/// Of a collection that has fewer pages, the same ones are asked for again.
const MIN_PAGES: usize = 20;

const MAX_ATTEMPTS: usize = 20;

/// The category that alone is changed, again and again.
const BUSY: usize = 1;

/// What is asked for in collections of every size.
struct Asked {
    name: &'static str,
    function: &'static str,
    customer: Uuid,
    query: Vec<(&'static str, String)>,
    /// What the sort keys begin with of the query that is measured alone.
    sort_keys: Option<&'static str>,
}

/// Figures of a list's pages, or of a single answer. Times are in milliseconds of CPU, memory is in MB.
#[derive(Debug, Serialize)]
pub struct Pages {
    pub name: &'static str,
    /// Of the whole collection.
    pub items: usize,
    pub count: usize,
    pub per_page: usize,
    /// Median of all pages.
    pub cpu: f64,
    /// The page that took most.
    pub cpu_most: f64,
    /// Of receiving and parsing DynamoDB's answer alone, for the first page.
    pub cpu_query_alone: Option<f64>,
    pub peak_memory: f64,
    /// In use after a tenth of the requests and after all.
    pub memory_after: Option<(f64, f64)>,
}

pub async fn run(built: &Built, server: &Server) -> Vec<Pages> {
    let database = Database::with_latency(&server.dynamodb_url, Duration::ZERO).await;
    let roots = Roots::new(&database, None);
    fill::check_form(server).await;
    let mut figures = Vec::new();
    for items in SIZES {
        for asked in collections(server, items).await {
            let event = asked.event();
            let alone = match asked.sort_keys {
                None => None,
                Some(keys) => Some(query_alone(&built.query_alone, keys, &database, &roots, &event).await),
            };
            let mut process = Process::start(&built.function(asked.function), &database, &roots).await;
            let mut pages = pages(&mut process, asked.name, items, &event, &database).await;
            if items == 1_000 && alone.is_some() {
                pages.memory_after = Some(memory_after(&mut process, asked.name, &event, &database).await);
            }
            pages.cpu_query_alone = alone;
            figures.push(pages);
        }
    }
    figures.sort_by_key(|pages| pages.name);
    figures
}

/// Fills in a customer who carries so many categories, and one of whose categories has been changed as often.
async fn collections(server: &Server, items: usize) -> [Asked; 4] {
    let (many, busy) = (Uuid::new_v4(), Uuid::new_v4());
    let revisions: Vec<Uuid> = (0..items)
        .map(|number| fill::revision(MIDDLE.1 - items as u64 / 2 * HOUR + number as u64 * HOUR, number))
        .collect();
    let carried = revisions.iter().enumerate().flat_map(|(id, revision)| {
        [
            fill::category(many, id, &SAYS, *revision, *revision),
            fill::entry(many, id, &SAYS, *revision, *revision, None),
        ]
    });
    fill::put(server, "categories", 2 * items, carried).await;

    let (first, last) = (revisions[0], revisions[items - 1]);
    let values: Vec<String> = (0..items).map(|number| format!("{number:010}")).collect();
    let said = |number: usize| [(SAYS[0].0, values[number].as_str()), SAYS[1], SAYS[2]];
    let changes = (0..items).map(|number| {
        let before = number.checked_sub(1).map(|before| (said(before), revisions[before]));
        let before = before.as_ref().map(|(said, revision)| (said.as_slice(), *revision));
        fill::entry(busy, BUSY, &said(number), first, revisions[number], before)
    });
    let record = fill::category(busy, BUSY, &said(items - 1), first, last);
    fill::put(server, "changes", items + 1, changes.chain([record])).await;

    let of_it = vec![("category_id", BUSY.to_string())];
    let moment = vec![("as_of", MIDDLE.0.to_owned())];
    let asked =
        |name, function, customer, query, sort_keys| Asked { name, function, customer, query, sort_keys };
    [
        asked("list-categories", "list-categories", many, vec![], Some("CATEGORY#")),
        asked("list-category-history", "list-category-history", many, vec![], Some("HISTORY#")),
        asked("list-category-history?category_id=", "list-category-history", busy, of_it, None),
        asked("get-category?as_of=", "get-category", busy, moment, None),
    ]
}

impl Asked {
    fn event(&self) -> Value {
        let mut event = event(self.function);
        event["pathParameters"]["customer_id"] = json!(self.customer);
        if self.function == "get-category" {
            event["pathParameters"]["category_id"] = json!(BUSY.to_string());
        }
        add_to_query(&mut event, self.query.iter().map(|(name, value)| (*name, value.as_str())));
        event
    }
}

fn add_to_query<'a>(event: &mut Value, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let mut query = event["queryStringParameters"].as_object().cloned().unwrap_or_default();
    query.extend(parameters.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    let raw: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
    event["rawQueryString"] = json!(raw.join("&"));
    event["queryStringParameters"] = json!(query);
}

/// CPU time of the first page's query, received and parsed.
async fn query_alone(
    contestant: &Contestant,
    sort_keys: &str,
    database: &Database,
    roots: &Roots,
    event: &Value,
) -> f64 {
    let with_keys = |command: &mut std::process::Command| {
        command.env("SORT_KEYS", sort_keys);
    };
    let mut process = Process::start_with(contestant, database, roots, with_keys).await;
    let mut cpu = Vec::new();
    for _ in 0..20 {
        let before = process.cpu();
        process.succeed(event, database).await;
        cpu.push(millis(process.cpu().saturating_sub(before)));
    }
    quantile(&cpu, 0.5)
}

async fn pages(
    process: &mut Process,
    name: &'static str,
    items: usize,
    first: &Value,
    database: &Database,
) -> Pages {
    let (mut cpu, mut per_page, mut count) = (Vec::new(), 0, 0);
    // The first request opens the connection and looks the key up.
    page(process, first, database).await;
    while cpu.len() < MIN_PAGES {
        count = 0;
        let mut event = first.clone();
        let mut found = 0;
        loop {
            let (page, took) = page(process, &event, database).await;
            cpu.push(took);
            count += 1;
            let list = page.as_object().unwrap().values().find_map(Value::as_array);
            per_page = per_page.max(list.map_or(1, Vec::len));
            found += list.map_or(items, Vec::len);
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            add_to_query(&mut event, [("cursor", cursor)]);
        }
        assert_eq!(found, items, "{name}: all that there is");
    }
    Pages {
        name,
        items,
        count,
        per_page,
        cpu: quantile(&cpu, 0.5),
        cpu_most: quantile(&cpu, 1.0),
        cpu_query_alone: None,
        peak_memory: process.peak() as f64 / 1000.0,
        memory_after: None,
    }
}

/// A page, and the CPU that it took. Where the engine takes longer to read one of a large collection than a request may
/// wait, on a busy machine, it is asked for again.
async fn page(process: &mut Process, event: &Value, database: &Database) -> (Value, f64) {
    for _ in 0..MAX_ATTEMPTS {
        let before = process.cpu();
        let (_, answer) = process.invoke(event, database).await;
        let took = millis(process.cpu().saturating_sub(before));
        if answer["statusCode"] != 504 {
            assert_eq!(answer["statusCode"], 200, "{answer}");
            return (serde_json::from_str(answer["body"].as_str().unwrap()).unwrap(), took);
        }
    }
    panic!("the engine is too slow for {event}");
}

/// Memory in use after a tenth of many requests, and after all.
async fn memory_after(
    process: &mut Process,
    name: &'static str,
    event: &Value,
    database: &Database,
) -> (f64, f64) {
    let progress = progress(MANY);
    progress.set_message(name);
    let mut early = 0;
    for request in 0..MANY {
        process.succeed(event, database).await;
        if request == MANY / 10 {
            early = process.resident();
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    (early as f64 / 1000.0, process.resident() as f64 / 1000.0)
}
