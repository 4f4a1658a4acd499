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
        let put = api.put(&category(id), json!({ "value": "iron" })).await;
        assert_eq!(put.status, 204, "{fault:?}: {}", put.body);
        let request = api.request(Method::DELETE, &category(id)).header("if-match", put.etag());
        assert_eq!(send(request).await.status, 204, "{fault:?}");
        proxy.mend();
        let history = api.get(&format!("{HISTORY}?category_id={id}")).await.json();
        assert_eq!(history["history"].as_array().unwrap().len(), 4, "{fault:?}");
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

/// Copies of a transaction come in any order, and late; what a refusal says must be so whichever comes.
#[tokio::test]
async fn a_creation_that_was_refused_does_not_come_later() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    // Its writer's clock is ahead of the one that deletes.
    api.clock.shift_wall(60_000);
    proxy.break_next(1, TRANSACTION, Fault::Astray);
    api.post(json!({ "id": 7, "value": "silver" })).await.refused(409, "MCUS.999.994");
    api.clock.shift_wall(-60_000);
    assert_eq!(api.delete(&category(7)).await.status, 204);

    assert_eq!(proxy.deliver().await, 1);
    assert_eq!(api.get(&category(7)).await.status, 404);
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_category_is_created_again_whatever_the_clocks_say() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    for by in [60_000, -120_000] {
        api.clock.shift_wall(by);
        proxy.break_next(1, TRANSACTION, Fault::Astray);
        api.create(7, "silver").await;
        assert_eq!(api.delete(&category(7)).await.status, 204);
        assert_eq!(proxy.deliver().await, 1);
        assert_eq!(api.get(&category(7)).await.status, 404);
    }
    let history = api.get(HISTORY).await.json();
    let history = history["history"].as_array().unwrap();
    assert_eq!(history.len(), 6);
    assert!(history.is_sorted_by(|newer, older| newer["revision"].as_str() > older["revision"].as_str()));
}

/// A copy whose answer was lost has been committed by the time that another is cancelled for contention.
#[tokio::test]
async fn a_change_is_known_again_behind_contention() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let contend = || proxy.break_next(1, TRANSACTION, Fault::CancelledAfter("TransactionConflict"));
    contend();
    let created = api.create(7, "gold").await;
    assert_eq!(api.get(&category(7)).await.etag(), created.etag());
    contend();
    let patched = api.patch(&category(7), json!({ "value": "silver" })).await;
    assert_eq!((patched.status, patched.etag()), (204, api.get(&category(7)).await.etag()));
    contend();
    assert_eq!(api.delete(&category(7)).await.status, 204);
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 3);
}

/// A copy of a transaction that finds what the first one wrote is no contention, so it is not sent again.
#[tokio::test]
async fn a_change_that_finds_itself_is_not_sent_again() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let (record, entry, remembered) = (0, 1, 2);
    for (id, item) in (0..).zip([record, entry, remembered]) {
        proxy.break_next(ALWAYS, TRANSACTION, Fault::CancelledByItself(item));
        let changes = [
            (Method::POST, CATEGORIES.to_owned(), json!({ "id": id, "value": "gold" })),
            (Method::PATCH, category(id), json!({ "value": "silver" })),
            (Method::PUT, category(id), json!({ "value": "iron" })),
            (Method::DELETE, category(id), json!(null)),
        ];
        for (method, path, body) in changes {
            let key = format!("{method}-{id}");
            let request = api.request(method.clone(), &path).header("idempotency-key", key);
            let request = if body.is_null() { request } else { request.json(&body) };
            api.recorder.take();
            let answer = send(request).await;
            assert!(answer.status == 201 || answer.status == 204, "{method}: {}", answer.body);
            let calls = api.recorder.take();
            let sent = calls.iter().filter(|call| call.action == TRANSACTION).count();
            assert_eq!(sent, 1, "{method}, item {item}");
        }
    }
}
