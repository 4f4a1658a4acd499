//! The error table, row by row. 400 has a file of its own.

use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::server::gateway;
use lambda_http::Context;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::ErrorCode;

use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

/// One request per operation, all of them well-formed.
fn every_operation() -> [(Method, String); 6] {
    [
        (Method::POST, CATEGORIES.into()),
        (Method::GET, CATEGORIES.into()),
        (Method::GET, category(7)),
        (Method::PATCH, category(7)),
        (Method::DELETE, category(7)),
        (Method::GET, HISTORY.into()),
    ]
}

fn body(method: &Method) -> &'static str {
    match *method {
        Method::POST => r#"{"id":7,"value":"gold"}"#,
        Method::PATCH => r#"{"value":"gold"}"#,
        _ => "",
    }
}

#[test]
fn codes_are_distinct_and_titled_as_the_contract_has_them() {
    let table: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|error| (error.status().as_u16(), error.code(), error.title(), error.message()))
        .collect();
    assert_eq!(
        table,
        [
            (400, "MCUS.999.998", "Bad request", "Bad request"),
            (401, "MCUS.999.996", "Unauthorized", "Unauthorized"),
            (403, "MCUS.999.995", "Forbidden", "Forbidden"),
            (404, "MCUS.999.997", "Resource not found", "Resource not found"),
            (405, "MCUS.999.992", "Method not allowed", "Method not allowed"),
            (409, "MCUS.999.994", "Conflict", "The resource already exists"),
            (412, "MCUS.999.993", "Precondition failed", "Precondition failed"),
            (500, "MCUS.999.999", "Unexpected error", "Unexpected error"),
            (503, "MCUS.001.005", "Database error", "Connection lost"),
            (504, "MCUS.001.009", "Database error", "Statement timeout"),
        ]
    );
}

#[tokio::test]
async fn without_a_database_every_operation_is_unavailable() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    // Every function knows the key by then, so it is the operation itself that fails.
    for (method, path) in every_operation() {
        send(api.request(method.clone(), &path).body(body(&method))).await;
    }
    proxy.close();
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        assert_eq!(
            answer.refused(503, "MCUS.001.005"),
            ["the database can't be reached or is overloaded; try again"],
            "{method} {path}"
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn a_database_that_says_nothing_is_a_timeout() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    proxy.break_all(Fault::Silence);
    let answer = api.get(CATEGORIES).await;
    assert_eq!(answer.refused(504, "MCUS.001.009"), ["the database did not answer in time; try again"]);
}

#[tokio::test]
async fn a_missing_table_is_unexpected_and_says_nothing_of_it() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.client.delete_table().table_name(&api.tables.categories).send().await.unwrap();
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        assert_eq!(answer.refused(500, "MCUS.999.999"), ["the failure has been logged"], "{method} {path}");
    }
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_never_skipped() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.create(8, "silver").await;
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        let broken = broken.item("revision", AttributeValue::S("not a revision".into()));
        broken.send().await.unwrap();
    }
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        answer.refused(500, "MCUS.999.999");
    }
    assert_eq!(api.post(json!({ "id": 9, "value": "x" })).await.status, 201);
}

/// API Gateway hands a query on as the caller wrote it, and `lambda_http` panics where it can make no
/// URI of what it gets.
#[tokio::test]
async fn what_no_http_request_can_be_made_of_is_refused_by_every_function() {
    let api = Api::start().await;
    for (function, run) in gateway::functions(|function| api.app(function)) {
        let sample = format!("{}/../events/{function}.json", env!("CARGO_MANIFEST_DIR"));
        let sample: Value = serde_json::from_str(&fs::read_to_string(sample).unwrap()).unwrap();
        for (part, sent) in [("/rawQueryString", "reason=\"x\""), ("/headers/host", "localhost:x")] {
            let mut event = sample.clone();
            *event.pointer_mut(part).unwrap() = sent.into();
            let answer = run(event.to_string(), Context::default()).await.unwrap();
            assert_eq!(answer.status_code, 400, "{function} {part}");
            let body: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
            let error = &body["errors"][0]["error"];
            assert_eq!(error["code"], "MCUS.999.998");
            assert_eq!(error["details"], "`request` must have a percent-encoded URL and a well-formed Host");
        }
    }
}
