//! Each operation at a function's share of a core: what Lambda bills for.

use emulator::Database;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    built::{Built, Contestant},
    compare::{REST, Settings, event, millis},
    process::{Process, Roots},
    server::{CUSTOMER, Server},
    share::Share,
    stats::Quartiles,
};

const REQUESTS: i32 = 12;

/// The definition that the sample events name.
const FIRST_DEFINITION: i32 = 8;

/// An operation's figures.
#[derive(Debug, Serialize)]
pub struct Operation {
    pub function: &'static str,
    /// Of a warm request, in milliseconds, DynamoDB's time included.
    pub billed: Quartiles,
    /// DynamoDB's request units, those that `end_to_end/promises/capacity.rs` measures.
    pub read_units: f64,
    pub write_units: f64,
}

/// Nothing where there is no share of a core to be had.
pub async fn run(built: &Built, server: &Server, settings: &Settings) -> Vec<Operation> {
    let Ok(share) = Share::new(settings.share) else { return Vec::new() };
    let database = Database::with_latency(&server.dynamodb_url, settings.latency).await;
    let roots = Roots::new(&database, None);
    let mut operations = Vec::new();
    for (function, read_units, write_units) in [
        ("get-category", 1.0, 0.0),
        ("list-categories", 1.0, 0.0),
        ("list-category-history", 1.0, 0.0),
        ("create-category", 0.0, 7.0),
        // Of what the one before has created.
        ("list-carriers", 4.0, 0.0),
        ("count-carriers", 4.0, 0.0),
        // It changes the value.
        ("update-category", 1.0, 6.0),
        ("delete-category", 1.0, 5.0),
        // In this order: those behind the first find what it has defined, and the last takes it away.
        ("define-category", 0.0, 6.0),
        ("get-definition", 1.0, 0.0),
        ("list-definitions", 1.0, 0.0),
        ("list-definition-history", 1.0, 0.0),
        ("update-definition", 1.0, 4.0),
        ("delete-definition", 5.0, 6.0),
    ] {
        let program = built.function(function).to_owned();
        let contestant =
            Contestant { name: "this service".into(), package: program.clone(), program, arguments: vec![] };
        let mut process = Process::start(&contestant, &database, &roots).await;
        share.limit(process.id());
        let mut billed = Vec::new();
        for number in 0..REQUESTS {
            let event = numbered(function, number, server).await;
            tokio::time::sleep(REST).await;
            let (request, answer) = process.invoke(&event, &database).await;
            assert!(answer["statusCode"].as_u64().is_some_and(|status| status < 300), "{answer}");
            // The first looks up the key and, to give a value, what the catalogue says.
            if number > 0 {
                billed.push(millis(request.overhead + request.database));
            }
        }
        operations.push(Operation { function, billed: Quartiles::of(&billed), read_units, write_units });
    }
    operations
}

/// The sample event, made such that it changes something each time.
async fn numbered(function: &str, number: i32, server: &Server) -> Value {
    let mut event = event(function);
    match function {
        // Each of another customer: of another category the catalogue would be asked again.
        "create-category" => {
            let customer = format!("223e4567-e89b-12d3-a456-{number:012}");
            event["rawPath"] = json!(format!("/v4/orgs/telco/customers/{customer}/categories"));
            event["pathParameters"]["customer_id"] = json!(customer);
            event["body"] = json!(json!({ "id": 7, "value": "gold" }).to_string());
        }
        "update-category" => event["body"] = json!(json!({ "value": number.to_string() }).to_string()),
        "delete-category" => {
            let id = 1000 + number;
            server.create(CUSTOMER, &json!({ "id": id, "value": "gold" })).await;
            event["pathParameters"]["category_id"] = json!(id.to_string());
            event["rawQueryString"] = json!("");
            event["queryStringParameters"] = Value::Null;
        }
        "define-category" => {
            let definition = json!({ "id": FIRST_DEFINITION + number, "name": format!("Tier {number}") });
            event["body"] = json!(definition.to_string());
        }
        "update-definition" => {
            event["body"] = json!(json!({ "description": number.to_string() }).to_string());
        }
        "delete-definition" => {
            event["pathParameters"]["category_id"] = json!((FIRST_DEFINITION + number).to_string());
        }
        _ => {}
    }
    event
}
