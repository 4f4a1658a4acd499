//! A write that was committed is acknowledged, whatever came back in place of the database's answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

const TRANSACTION: &str = "TransactWriteItems";

/// More often than a write is tried.
const ALWAYS: usize = 1000;

#[tokio::test]
async fn a_committed_write_is_acknowledged_whatever_the_errors_code() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    for (id, fault) in (0..).zip([
        Fault::ErrorAfter("InternalFailure", 500),
        Fault::ErrorAfter("ServiceUnavailableException", 503),
        Fault::ErrorAfter("NobodyKnowsThisCode", 502),
        Fault::ErrorAfter("NobodyKnowsThisCode", 400),
        Fault::ErrorAfter("ThrottlingException", 400),
        Fault::ErrorAfter("ValidationException", 400),
        Fault::CancelledByItself(0),
        Fault::CancelledByItself(1),
    ]) {
        proxy.break_next(ALWAYS, TRANSACTION, fault);
        let created = api.post(json!({ "id": id, "value": "gold" })).await;
        assert_eq!(created.status, 201, "{fault:?}: {}", created.body);
        let patched = api.patch(&category(id), json!({ "value": "silver" })).await;
        assert_eq!(patched.status, 204, "{fault:?}: {}", patched.body);
        let request = api.request(Method::DELETE, &category(id)).header("if-match", patched.etag());
        assert_eq!(send(request).await.status, 204, "{fault:?}");
        proxy.mend();
        let history = api.get(&format!("{HISTORY}?category_id={id}")).await.json();
        assert_eq!(history["history"].as_array().unwrap().len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_error_of_any_code_is_the_databases_and_not_ours() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    for (code, status) in [("InternalFailure", 500), ("NobodyKnowsThisCode", 502)] {
        proxy.break_next(ALWAYS, "Query", Fault::ErrorAfter(code, status));
        api.get(CATEGORIES).await.refused(503, "MCUS.001.005");
        proxy.mend();
    }
}

/// What was read is older than what is there by the time of the write, and the writer's clock is behind.
#[tokio::test]
async fn a_write_by_a_clock_that_is_behind_comes_after_what_it_replaces() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    api.clock.shift_wall(-60_000);
    proxy.break_next(1, TRANSACTION, Fault::Late(Duration::from_millis(50)));
    assert_eq!(api.patch(&category(7), json!({ "value": "silver" })).await.status, 204);
    let history = api.get(HISTORY).await.json();
    let revisions: Vec<_> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["revision"].as_str().unwrap())
        .collect();
    assert!(revisions.is_sorted_by(|newer, older| newer > older), "{revisions:?}");
}
