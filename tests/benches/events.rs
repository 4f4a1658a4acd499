//! The sample events, made such that each changes something and is answered with success however often.

use std::{collections::HashMap, fs};

use serde_json::{Value, json};

use crate::{built, server::Server};

/// Who is changed: the list and history of the customer who is read don't grow.
const CHANGED: &str = "323e4567-e89b-12d3-a456-556642440000";

/// The organisations whose definitions are made, changed and deleted, for the same reason.
const CHANGED_ORG: &str = "changed";

/// Those who carry what `events/list-carriers.json` asks for.
const CARRIERS: i32 = 10;

/// A sample event.
pub fn event(name: &str) -> Value {
    let path = built::root().join("events").join(name).with_extension("json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Gives out the events of each function, by number.
#[derive(Debug)]
pub struct Events<'a> {
    server: &'a Server,
    given: HashMap<String, i32>,
}

impl<'a> Events<'a> {
    /// Makes what the events ask for.
    pub async fn new(server: &'a Server) -> Self {
        server.populate().await;
        server.create(CHANGED, &json!({ "id": 214_748_364, "value": "gold" })).await;
        for number in 0..CARRIERS {
            server.create(&customer(0x7, number), &json!({ "id": 7, "value": "gold" })).await;
        }
        for org in ["telco", CHANGED_ORG] {
            server.define(org, &json!({ "id": 8, "name": "Tier" })).await;
        }
        Self { server, given: HashMap::new() }
    }

    pub async fn next(&mut self, function: &str) -> Value {
        let given = self.given.entry(function.to_owned()).or_default();
        *given += 1;
        let number = *given;
        let mut event = event(function);
        match function {
            // Each of another customer: of another category the catalogue would be asked again.
            "create-category" => {
                event["pathParameters"]["customer_id"] = json!(customer(0xc, number));
                event["body"] = json!(json!({ "id": 70, "value": "gold" }).to_string());
            }
            "set-category" | "update-category" => {
                event["pathParameters"]["customer_id"] = json!(CHANGED);
                event["body"] = json!(json!({ "value": number.to_string() }).to_string());
            }
            "delete-category" => {
                self.server.create(CHANGED, &json!({ "id": 1000 + number, "value": "gold" })).await;
                event["pathParameters"]["customer_id"] = json!(CHANGED);
                event["pathParameters"]["category_id"] = json!((1000 + number).to_string());
            }
            "change-categories" => {
                let value = number.to_string();
                let set = |customer: &str, id| json!({ "op": "set", "customer_id": customer, "id": id, "value": value });
                let other = customer(0xb, 0);
                let changes = [set(CHANGED, 71), set(CHANGED, 72), set(&other, 71)];
                event["body"] = json!(json!({ "changes": changes }).to_string());
            }
            "define-category" => {
                event["pathParameters"]["org_id"] = json!(CHANGED_ORG);
                event["body"] =
                    json!(json!({ "id": 1000 + number, "name": format!("Tier {number}") }).to_string());
            }
            "update-definition" => {
                event["pathParameters"]["org_id"] = json!(CHANGED_ORG);
                event["body"] = json!(json!({ "description": number.to_string() }).to_string());
            }
            "delete-definition" => {
                let definition = json!({ "id": -number, "name": format!("Gone {number}") });
                self.server.define(CHANGED_ORG, &definition).await;
                event["pathParameters"] =
                    json!({ "org_id": CHANGED_ORG, "category_id": (-number).to_string() });
            }
            _ => {}
        }
        event
    }
}

/// Customers by number, of one kind.
pub fn customer(kind: u8, number: i32) -> String {
    format!("{kind:08x}-e89b-42d3-a456-{number:012}")
}
