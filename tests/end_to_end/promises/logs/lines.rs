//! What a line says.

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::Context;
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::ApiKey;
use tracing::level_filters::LevelFilter;
use uuid::Uuid;

use super::panics;
use crate::support::{
    api::{Api, CATEGORIES, category, key_of, send},
    logs::{from_level, line as line_of, lines, metrics, redact},
    proxy::{Fault, Proxy},
};

/// The first 32 digits of the SHA-256 of `telco#123e4567-e89b-12d3-a456-556642440000`.
const OF_CUSTOMER: &str = "691f02372d31db1cb106fbdabab1c4ed";

/// Whoever protects personal data asks who has read a customer, which the level of the log must not decide.
#[tokio::test]
async fn who_read_which_customer_is_logged_at_every_level() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    let call = async |function: &str, key: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        let event = std::fs::read_to_string(format!("{folder}/{function}.json")).unwrap();
        let mut event: Value = serde_json::from_str(&event).unwrap();
        event["headers"]["x-auth-roles"] = json!(key);
        functions[function](event.to_string(), Context::default()).await.unwrap().status_code
    };
    for level in [LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR] {
        let (log, _guard) = from_level(level);
        for (function, key, status) in [
            ("list-categories", "API_KEY", 200),
            ("get-category", "READ_ONLY", 404),
            ("list-category-history", "READ_ONLY", 200),
        ] {
            assert_eq!(call(function, key).await, status);
            let lines = log.take();
            let [line] = lines.as_slice() else { panic!("{level}: {lines:#?}") };
            let said = json!([
                line["operation"],
                line["org"],
                line["key_name"],
                line["customer_hash"],
                line["status"],
                line["level"]
            ]);
            assert_eq!(said, json!([function, "telco", key, OF_CUSTOMER, status, "INFO"]));
            assert!(line["request_id"].is_string(), "{line}");
            // Short where it stands in for the request's line.
            assert_eq!(line.get("duration_ms").is_some(), level == LevelFilter::INFO, "{line}");
            assert_eq!(line["target"] == "audit", level != LevelFilter::INFO, "{line}");
        }
        // Of whichever customers.
        for function in ["list-carriers", "count-carriers"] {
            assert_eq!(call(function, "READ_ONLY").await, 200);
            let lines = log.take();
            let [line] = lines.as_slice() else { panic!("{level}: {lines:#?}") };
            let said = ["operation", "org", "key_name", "customer_hash", "level"].map(|field| &line[field]);
            assert_eq!(json!(said), json!([function, "telco", "READ_ONLY", null, "INFO"]));
            assert_eq!(line["target"] == "audit", level != LevelFilter::INFO, "{line}");
        }
        for (function, key, status) in [
            ("list-definitions", "API_KEY", 404),
            ("update-category", "API_KEY", 404),
            ("get-category", "none", 401),
        ] {
            assert_eq!(call(function, key).await, status);
            let lines = log.take();
            assert_eq!(lines.len(), usize::from(level == LevelFilter::INFO), "{level}: {lines:#?}");
        }
    }
}

#[tokio::test]
async fn a_line_says_what_the_request_did() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let line = line_of(&api.patch(&category(7), json!({ "value": "silver" })).await);
    let expected = json!({
        "timestamp": "a text",
        "level": "INFO",
        "request_id": "a text",
        "operation": "update-category",
        "org": "telco",
        "key_name": "API_KEY",
        "customer_hash": OF_CUSTOMER,
        "status": 204,
        "status_class": "2xx",
        "duration_ms": "a number",
        "cold_start": true,
        "key_lookup": true,
        "calls": 4,
        "read_units": 4.0,
        "write_units": 6.0,
    });
    assert_eq!(redact(line), expected);
    let line = line_of(&api.patch(&category(7), json!({})).await);
    assert_eq!(
        json!([
            line["cold_start"],
            line["key_lookup"],
            line["calls"],
            line["read_units"],
            line["write_units"]
        ]),
        json!([null, null, 1, 1.0, null])
    );
}

#[tokio::test]
async fn a_line_says_who_was_refused() {
    let api = Api::start().await;
    let line = line_of(&send(api.anonymous(Method::GET, CATEGORIES)).await);
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"], line["calls"]]),
        json!(["MCUS.999.996", null, null, 0])
    );
    let revoked = ApiKey { revoked_at: Some(api.clock.timestamp()), ..api.key("billing") };
    api.store.put_api_key(&revoked).await.unwrap();
    let line = line_of(
        &send(api.anonymous(Method::GET, CATEGORIES).header("x-auth-roles", key_of("billing"))).await,
    );
    assert_eq!(json!([line["code"], line["key_name"]]), json!(["MCUS.999.996", "billing"]));
    let line =
        line_of(&send(api.anonymous(Method::DELETE, &category(7)).header("x-auth-roles", "READ_ONLY")).await);
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"]]),
        json!(["MCUS.999.995", "telco", "READ_ONLY"])
    );
    let line = line_of(&send(api.request(Method::PUT, CATEGORIES)).await);
    assert_eq!(json!([line["operation"], line["code"]]), json!(["not-found", "MCUS.999.992"]));
}

#[tokio::test]
async fn a_line_says_what_was_retried_and_what_resolved() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    let patch = async |value: &str| api.patch(&category(7), json!({ "value": value })).await;
    patch("known").await;

    proxy.break_next(2, "TransactWriteItems", Fault::Error("ThrottlingException"));
    let answer = patch("throttled").await;
    let line = line_of(&answer);
    assert_eq!(json!([line["calls"], line["retries"], line["write_units"]]), json!([2, 2, 6.0]));

    proxy.break_next(2, "TransactWriteItems", Fault::Cancelled("ThrottlingError"));
    let line = line_of(&patch("throttled, by the item").await);
    assert_eq!(json!([line["status"], line["retries"], line["conflicts"]]), json!([204, 2, null]));

    proxy.break_next(3, "TransactWriteItems", Fault::Cancelled("TransactionConflict"));
    let line = line_of(&patch("in the way").await);
    assert_eq!(json!([line["status"], line["conflicts"]]), json!([204, 3]));
    let metric = ("conflicts".to_owned(), vec!["operation".to_owned()]);
    assert!(metrics(&line).contains(&(metric, "Count".to_owned())));

    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let answer = patch("lost").await;
    let line = line_of(&answer);
    assert_eq!(json!([line["status"], line["outcomes_resolved"], line["retries"]]), json!([204, 1, 5]));
    let lines = lines(answer.header("x-request-id").unwrap());
    let lost = lines.iter().find(|line| line["message"] == "the answer to a write was lost").unwrap();
    assert_eq!(
        json!([lost["level"], lost["committed"], lost["target"]]),
        json!(["WARN", true, "shared::store::commit"])
    );
}

#[tokio::test]
async fn a_failures_line_names_its_cause() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    api.get(&category(7)).await;
    for (fault, cause) in [
        (Fault::Error("AccessDeniedException"), "GetItem: AccessDeniedException: planted"),
        (Fault::Error("InternalServerError"), "GetItem: InternalServerError: planted"),
        (Fault::CutBefore, "GetItem: dispatch failure"),
        (Fault::Silence, "GetItem: no answer in time"),
    ] {
        proxy.break_next(1000, "GetItem", fault);
        let line = line_of(&api.get(&category(7)).await);
        assert!(line["fault"].as_str().unwrap().starts_with(cause), "{line}");
    }
    proxy.mend();
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        broken.item("revision", AttributeValue::S("not a revision".into())).send().await.unwrap();
    }
    let line = line_of(&api.get(&category(7)).await);
    assert_eq!(line["fault"], "unreadable item CATEGORY#2147483655");
}

#[tokio::test]
async fn a_panic_leaves_its_place_and_the_trace() {
    let api = Api::start().await;
    let id = Uuid::new_v4().to_string();
    let mut event: Value =
        serde_json::from_str(include_str!("../../../../events/create-category.json")).unwrap();
    event["requestContext"]["requestId"] = json!(id);
    let mut context = Context::default();
    context.xray_trace_id =
        Some("Root=1-6922ac18-1f2e3d4c5b6a798801234567;Parent=1f2e3d4c5b6a7988;Sampled=1".into());
    panics(&api, &event, context).await;
    let lines = lines(&id);
    let [panic, request] = lines.as_slice() else { panic!("{lines:#?}") };
    let place = panic["message"].as_str().unwrap();
    assert!(place.starts_with("panicked at tests/end_to_end/promises/logs/mod.rs:"), "{place}");
    assert_eq!(panic["level"], "ERROR");
    assert_eq!(request["fault"], format!("the handler {place}"));
    assert_eq!(request["trace_id"], "1-6922ac18-1f2e3d4c5b6a798801234567");
    assert_eq!(request["request_id"], id);
}
