//! What nothing may leave in the log.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::Context;
use serde_json::{Value, json};
use shared::domain::KeyHash;
use uuid::Uuid;

use super::panics;
use crate::support::{
    api::{Api, BATCH, key_of, send},
    logs::written,
    proxy::{Fault, Proxy},
};

/// Asserts that no line has any of these texts in it; returns how many name the caller.
fn lines_without(secrets: &[&str]) -> usize {
    let logged = written();
    for line in &logged {
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
    }
    logged.iter().filter(|line| line.contains("\"key_name\":\"crm-backend\"")).count()
}

/// How often, at which call, and what goes wrong.
const FAULTS: [(usize, &str, Fault); 9] = [
    (0, "", Fault::Silence),
    (1000, "GetItem", Fault::CutAmid),
    (1000, "Query", Fault::Garbage),
    (1000, "Query", Fault::Error("ValidationException")),
    (1000, "GetItem", Fault::Error("ThrottlingException")),
    (3, "TransactWriteItems", Fault::Cancelled("TransactionConflict")),
    (1000, "TransactWriteItems", Fault::CutAfter),
    (1000, "TransactWriteItems", Fault::Garbage),
    (1000, "TransactWriteItems", Fault::Error("ValidationException")),
];

fn batch(customer: &str, value: &str, reason: &str) -> String {
    let changes = json!([
        { "op": "set", "customer_id": customer, "id": 7, "value": value },
        { "op": "delete", "customer_id": customer, "id": 8, "reason": reason },
    ]);
    json!({ "changes": changes }).to_string()
}

/// Has every item say what it can't say, so that it can't be read.
async fn break_items(api: &Api, value: &str) {
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        broken.item("created", AttributeValue::S(value.to_owned())).send().await.unwrap();
    }
}

/// Every operation, well, malformed, refused and under every fault, with secrets planted wherever
/// a caller can put one.
#[tokio::test]
async fn nothing_that_a_caller_sends_is_logged() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let secret = |name: &str| format!("{name}-{}", Uuid::new_v4().simple());
    let key = key_of("crm-backend");
    let (value, description, reason, repeat) =
        (secret("value"), secret("description"), secret("reason"), secret("repeat"));
    let customer = Uuid::new_v4().to_string();
    api.add_key("crm-backend").await;
    let base = format!("/v4/orgs/telco/customers/{customer}/categories");
    let call = async |method: &str, rest: &str, body: &str| {
        let path = if rest == BATCH { BATCH.to_owned() } else { format!("{base}{rest}") };
        let request = api.anonymous(method.parse().unwrap(), &path);
        let request = request
            .header("x-auth-roles", &key)
            .header("Idempotency-Key", format!("{repeat}-{}", Uuid::new_v4()));
        let request = match (method, rest) {
            ("GET", "/7") => request.header("If-None-Match", format!("\"{repeat}\"")),
            _ => request,
        };
        send(request.body(body.to_owned())).await.status
    };
    let new = json!({ "id": 7, "value": value, "description": description, "reason": reason }).to_string();
    let patch = json!({ "value": format!("{value}!"), "description": description }).to_string();
    let batch = batch(&customer, &value, &reason);
    let delete = format!("/7?reason={reason}");
    let mut statuses = BTreeSet::new();
    for (times, action, fault) in FAULTS {
        proxy.break_next(times, action, fault);
        for (method, rest, body) in [
            ("POST", "", new.as_str()),
            ("GET", "", ""),
            ("GET", "/7", ""),
            ("PATCH", "/7", &patch),
            ("GET", "/historical", ""),
            ("DELETE", &delete, ""),
            ("GET", "/7?as_of=2026-01-01T00:00:00Z", ""),
            ("POST", "", &format!("{new}{reason}")),
            ("POST", "", &new.replace("\"reason\"", &format!("\"{reason}\""))),
            ("GET", &format!("?cursor={value}"), ""),
            ("GET", &format!("/{value}"), ""),
            ("PUT", &format!("/{value}"), &new),
            ("PUT", "/7", &patch),
            ("POST", "/7", &new),
            ("POST", BATCH, &batch),
            ("POST", BATCH, &batch.replace("\"op\"", &format!("\"{reason}\""))),
        ] {
            statuses.insert(call(method, rest, body).await);
        }
        proxy.mend();
        // The key is to be looked up again.
        api.clock.advance(Duration::from_secs(31));
    }
    call("POST", "", &new).await;
    break_items(&api, &value).await;
    statuses.insert(call("GET", "/7", "").await);
    let mut event: Value =
        serde_json::from_str(include_str!("../../../../events/create-category.json")).unwrap();
    event["body"] = json!(new);
    event["headers"]["x-auth-roles"] = json!(key);
    panics(&api, &event, Context::default()).await;
    assert!(statuses.is_superset(&[200, 201, 204, 400, 404, 405, 500, 503].into()), "{statuses:?}");

    let named = lines_without(&[
        &key,
        &value,
        &description,
        &reason,
        &repeat,
        &customer,
        KeyHash::of(key.as_bytes()).as_str(),
    ]);
    assert!(named > 50, "{named}");
}
