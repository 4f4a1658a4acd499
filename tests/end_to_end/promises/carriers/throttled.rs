//! The index throttles.

use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::Shard;

use super::start;
use crate::support::{
    api::{HISTORY, carriers, category, definition, send},
    carriers::{listed, shard},
    proxy::Fault,
};

const CONNECTION_LOST: &str = "MCUS.001.005";

/// More often than the SDK sends a call again.
const ALWAYS: usize = 1000;

#[tokio::test]
async fn a_throttled_index_is_unavailable_and_its_page_can_be_asked_for_again() {
    let (api, proxy) = start().await;
    for number in 0..20 {
        api.give(number, Some("gold")).await;
    }
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    let count = format!("{}/count", carriers(7));
    api.get(&carriers(7)).await;
    for path in [carriers(7), count.clone()] {
        // In the first step, and amid the second, whose Queries are sent side by side.
        for before in if path == count { 0..1 } else { 0..4 } {
            proxy.break_after(before, ALWAYS, "Query", Fault::IndexThrottled);
            let answer = api.get(&path).await;
            let details = answer.refused(503, CONNECTION_LOST);
            assert!(!details.concat().contains("index"), "{details:?}");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        proxy.break_after(2, 2, "Query", Fault::IndexThrottled);
        assert_eq!(api.get(&path).await.status, 200, "{path}");
        proxy.mend();
    }
    assert_eq!(api.everybody(3, "").await.len(), 20);
    proxy.break_next(ALWAYS, "Query", Fault::IndexThrottled);
    api.delete(&definition(7)).await.refused(503, CONNECTION_LOST);
    proxy.mend();
    assert_eq!(api.get(&definition(7)).await.status, 200);
}

/// A count of many reads more in a second than a shard serves.
#[tokio::test]
async fn a_count_that_is_throttled_midway_goes_on() {
    let (api, proxy) = start().await;
    let numbers: Vec<u128> = (0..).filter(|number| shard(*number) == Shard::ALL[0]).take(2000).collect();
    api.put_carriers(numbers, &"ü".repeat(255)).await;
    // The ninth is the shard's second, and more are refused than the SDK sends again.
    proxy.break_after(8, 8, "Query", Fault::IndexThrottled);
    let counted = api.get(&format!("{}/count", carriers(7))).await.json();
    assert_eq!((&counted["count"], &counted["precision"]), (&json!(2000), &json!("exact")));
}

/// An index that can't keep up throttles the table's writes.
#[tokio::test]
async fn a_write_that_the_index_throttles_is_whole_or_not_there() {
    let (api, proxy) = start().await;
    api.create(7, "gold").await;
    let writes: [(Method, String, Value); 3] = [
        (Method::POST, category(0).replace("/0", ""), json!({ "id": 8, "value": "gold" })),
        (Method::PATCH, category(7), json!({ "value": "silver" })),
        (Method::DELETE, category(7), Value::Null),
    ];
    for (method, path, body) in writes {
        let request = || {
            let request = api.request(method.clone(), &path);
            if body.is_null() { request } else { request.json(&body) }
        };
        let before = api.items().await;
        proxy.break_next(ALWAYS, "TransactWriteItems", Fault::IndexThrottled);
        let answer = send(request()).await;
        answer.refused(503, CONNECTION_LOST);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(api.items().await, before, "{method}");
        // It passes: the attempt in the middle of the write is repeated.
        proxy.break_next(2, "TransactWriteItems", Fault::IndexThrottled);
        let entries = async || api.get(HISTORY).await.json()["history"].as_array().unwrap().len();
        let written = entries().await;
        assert!(send(request()).await.status < 300, "{method}");
        assert_eq!(entries().await, written + 1, "{method}");
        proxy.mend();
    }
    api.get(&carriers(7)).await.refused(404, "MCUS.999.997");
    assert_eq!(listed(&api.get(&carriers(8)).await.json()).len(), 1);
}
