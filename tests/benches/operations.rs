//! Each operation at a function's share of a core: what Lambda and DynamoDB bill for.

use emulator::Database;
use serde::Serialize;

use crate::{
    built::Built,
    compare::{REST, Settings, millis},
    events::Events,
    functions::succeed,
    log::{Log, Units},
    process::{Process, Roots},
    server::Server,
    share::Share,
    stats::Quartiles,
};

const REQUESTS: usize = 12;

const OPERATIONS: [&str; 15] = [
    "get-category",
    "list-categories",
    "list-category-history",
    "create-category",
    "set-category",
    "update-category",
    "delete-category",
    "list-carriers",
    "count-carriers",
    "get-definition",
    "list-definitions",
    "list-definition-history",
    "define-category",
    "update-definition",
    "delete-definition",
];

/// An operation's figures. Those that change a category change its value.
#[derive(Debug, Serialize)]
pub struct Operation {
    pub function: &'static str,
    /// Of a warm request, in milliseconds, DynamoDB's time included.
    pub billed: Quartiles,
    /// What it says in its log that it has consumed.
    pub read_units: f64,
    pub write_units: f64,
}

/// Nothing where there is no share of a core to be had.
pub async fn run(
    built: &Built,
    server: &Server,
    events: &mut Events<'_>,
    settings: &Settings,
) -> Vec<Operation> {
    let Ok(share) = Share::new(settings.share) else { return Vec::new() };
    let database = Database::with_latency(&server.dynamodb_url, settings.latency).await;
    let roots = Roots::new(&database, None);
    let mut operations = Vec::new();
    for function in OPERATIONS {
        let mut log = Log::new();
        let logged = |command: &mut _| log.take_from(command);
        let mut process = Process::start_with(&built.function(function), &database, &roots, logged).await;
        share.limit(process.id());
        let mut billed = Vec::new();
        let mut units = Units::default();
        for number in 0..REQUESTS {
            let event = events.next(function).await;
            tokio::time::sleep(REST).await;
            let request = succeed(&mut process, function, &event, &database).await;
            units = log.units();
            // The first looks up the key and, to give a value, what the catalogue says.
            if number > 0 {
                billed.push(millis(request.took));
            }
        }
        operations.push(Operation {
            function,
            billed: Quartiles::of(&billed),
            read_units: units.read,
            write_units: units.write,
        });
    }
    operations
}
