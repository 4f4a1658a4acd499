//! A hundred changes in a batch, and as a PUT each.

use emulator::{Call, Database};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    built::Built,
    compare::{REST, Settings, millis, progress},
    events::{customer, event},
    log::Log,
    prices::Use,
    process::{Process, Request, Roots, in_a_row},
    server::{Data, Server},
    share::Share,
    stats::quantile,
};

pub const CHANGES: i32 = 100;

/// How often all is changed with a whole core, after the first time.
const REPETITIONS: usize = 6;

/// The same changes are made both ways, of so many customers.
const CUSTOMERS: [i32; 2] = [100, 4];

/// How a hundred changes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Sent {
    Together,
    OneByOne,
}

/// A way's figures, of all changes together. Times are in milliseconds, memory is in MB.
#[derive(Debug, Serialize)]
pub struct Way {
    pub sent: Sent,
    pub customers: i32,
    /// With DynamoDB's time.
    pub took: f64,
    pub cpu: f64,
    /// Calls to DynamoDB, and how many of them waited for one another; of a new process, so with the look-ups of the key
    /// and of the catalogue.
    pub calls: usize,
    pub in_a_row: usize,
    /// The same of the transactions alone.
    pub commits_in_a_row: usize,
    pub peak_memory: f64,
    pub read_units: f64,
    pub write_units: f64,
    /// What Lambda bills at the share of a core, if there is one.
    pub billed: Option<f64>,
}

impl Sent {
    const fn function(self) -> &'static str {
        match self {
            Self::Together => "change-categories",
            Self::OneByOne => "set-category",
        }
    }

    /// After the first time; a hundred requests are billed for whenever PUTs are repeated.
    const fn repetitions_at_share(self) -> usize {
        match self {
            Self::Together => 5,
            Self::OneByOne => 1,
        }
    }
}

impl Way {
    /// What a single change takes of all.
    pub fn of_one(&self) -> Use {
        let requests = match self.sent {
            Sent::Together => 1.0,
            Sent::OneByOne => f64::from(CHANGES),
        };
        let of_one = |all: f64| all / f64::from(CHANGES);
        Use {
            requests: of_one(requests),
            billed: of_one(self.billed.unwrap_or_default()),
            read_units: of_one(self.read_units),
            write_units: of_one(self.write_units),
        }
    }
}

/// Batches and PUTs in turn, on a database of their own: the engine looks through the last ten minutes' transactions
/// with every one, so those of other measurements would count.
pub async fn run(built: &Built, settings: &Settings) -> Vec<Way> {
    let server = Server::start(&built.local, &Data::Memory);
    let database = Database::with_latency(&server.dynamodb_url, settings.latency).await;
    let roots = Roots::new(&database, None);
    let mut changing: Vec<Changing> = Vec::new();
    for customers in CUSTOMERS {
        for sent in [Sent::Together, Sent::OneByOne] {
            let process = Process::start(&built.function(sent.function()), &database, &roots).await;
            changing.push(Changing { sent, customers, process, took: vec![], cpu: vec![], first: None });
        }
    }
    let progress = progress(REPETITIONS + 1);
    for repetition in 0..=REPETITIONS {
        let mut turns: Vec<usize> = (0..changing.len()).collect();
        if repetition % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            changing[turn].repeat(&database, repetition).await;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut ways = Vec::new();
    for changing in changing {
        let mut way = changing.way();
        at_share(&mut way, built, settings, &database, &roots).await;
        ways.push(way);
    }
    ways
}

/// A way being measured.
struct Changing {
    sent: Sent,
    customers: i32,
    process: Process,
    took: Vec<f64>,
    cpu: Vec<f64>,
    /// The calls of the first time.
    first: Option<Vec<Call>>,
}

impl Changing {
    async fn repeat(&mut self, database: &Database, repetition: usize) {
        let before = self.process.cpu();
        let mut requests = Vec::new();
        for event in events(self.sent, self.customers, &format!("{repetition} with a core")) {
            requests.push(succeed(&mut self.process, &event, database).await);
        }
        let cpu = millis(self.process.cpu().saturating_sub(before));
        // The first time creates, and looks the key up, and what the catalogue says.
        if self.first.is_none() {
            self.first = Some(requests.into_iter().flat_map(|request| request.calls).collect());
        } else {
            self.took.push(requests.iter().map(|request| millis(request.took)).sum());
            self.cpu.push(cpu);
        }
    }

    fn way(self) -> Way {
        let calls = self.first.unwrap();
        let commits = calls.iter().filter(|call| call.operation == "TransactWriteItems");
        Way {
            sent: self.sent,
            customers: self.customers,
            took: quantile(&self.took, 0.5),
            cpu: quantile(&self.cpu, 0.5),
            calls: calls.len(),
            in_a_row: in_a_row(&calls),
            commits_in_a_row: in_a_row(commits),
            peak_memory: self.process.peak() as f64 / 1000.0,
            read_units: 0.0,
            write_units: 0.0,
            billed: None,
        }
    }
}

/// What is billed for: units by the function's own log, and its duration with a part of a core.
async fn at_share(way: &mut Way, built: &Built, settings: &Settings, database: &Database, roots: &Roots) {
    let share = Share::new(settings.share);
    let mut log = Log::new();
    let logged = |command: &mut _| log.take_from(command);
    let mut process =
        Process::start_with(&built.function(way.sent.function()), database, roots, logged).await;
    if let Ok(share) = &share {
        share.limit(process.id());
    }
    let mut billed = Vec::new();
    for repetition in 0..=way.sent.repetitions_at_share() {
        let mut all = 0.0;
        for event in events(way.sent, way.customers, &format!("{repetition} with a part of one")) {
            tokio::time::sleep(REST).await;
            all += millis(succeed(&mut process, &event, database).await.took).ceil();
        }
        let units = log.units();
        if repetition > 0 {
            billed.push(all);
            (way.read_units, way.write_units) = (units.read, units.write);
        }
    }
    way.billed = share.is_ok().then(|| quantile(&billed, 0.5));
}

/// The requests that give all categories this value.
fn events(sent: Sent, customers: i32, value: &str) -> Vec<Value> {
    // Batches and PUTs have customers of their own, so that each finds another value.
    let kind = if sent == Sent::Together { 0xba } else { 0x51 };
    let changes = (0..CHANGES)
        .map(|number| (customer(kind, 1000 * customers + number % customers), number / customers));
    match sent {
        Sent::Together => {
            let set =
                |(customer, id)| json!({ "op": "set", "customer_id": customer, "id": id, "value": value });
            let body = json!({ "changes": changes.map(set).collect::<Vec<_>>() });
            let mut event = event(sent.function());
            event["body"] = json!(body.to_string());
            vec![event]
        }
        Sent::OneByOne => {
            let set = |(customer, id): (String, i32)| {
                let mut event = event(sent.function());
                event["pathParameters"]["customer_id"] = json!(customer);
                event["pathParameters"]["category_id"] = json!(id.to_string());
                event["body"] = json!(json!({ "value": value }).to_string());
                event
            };
            changes.map(set).collect()
        }
    }
}

/// Sends what must be changed whole.
async fn succeed(process: &mut Process, event: &Value, database: &Database) -> Request {
    let (request, answer) = process.invoke(event, database).await;
    let done = match answer["statusCode"].as_u64() {
        Some(201 | 204) => true,
        Some(200) => answer["body"].as_str().is_some_and(|body| {
            let body: Value = serde_json::from_str(body).unwrap();
            let results = body["results"].as_array().unwrap();
            results.iter().all(|result| ["created", "updated"].map(Value::from).contains(&result["outcome"]))
        }),
        _ => false,
    };
    assert!(done, "{answer}");
    request
}
