use futures_util::future::join_all;
use serde_json::json;

use crate::api::{Api, CATEGORIES, HISTORY, category};

#[tokio::test]
async fn patches_at_the_same_time_are_all_applied_one_after_the_other() {
    let api = Api::start().await;
    api.create(7, "start").await;
    let patches = (0..16).map(|n| {
        let api = &api;
        async move { api.patch(&category(7), json!({ "value": n.to_string() })).await.status }
    });
    assert_eq!(join_all(patches).await, [204; 16]);

    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.len(), 17);
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["previous"]["value"], pair[1]["value"]);
    }
    assert_eq!(entries[0]["value"], api.get(&category(7)).await.json()["value"]);
}

#[tokio::test]
async fn of_posts_at_the_same_time_one_creates() {
    let api = Api::start().await;
    let posts = (0..16).map(|n| {
        let api = &api;
        async move { api.post(json!({ "id": 7, "value": n.to_string() })).await.status }
    });
    let mut statuses = join_all(posts).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert_eq!(statuses[1..], [409; 15]);
    assert_eq!(api.get(CATEGORIES).await.json()["categories"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
}
