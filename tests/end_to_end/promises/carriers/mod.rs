//! What holds of who carries a category: whatever is written meanwhile, however far the index is behind, and
//! whether it throttles or not.

mod behind;
mod paging;
mod reindexing;
mod throttled;

use reqwest::Method;
use serde_json::json;

use crate::support::{
    api::{Api, carriers, category, key_of, send},
    proxy::Proxy,
};

async fn start() -> (Api, Proxy) {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    (api, proxy)
}

#[tokio::test]
async fn only_what_is_carried_is_in_the_index() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for id in [7, 8] {
        api.create(id, "gold").await;
    }
    api.delete(&category(8)).await;
    let indexed = api.items().await.into_iter().filter(|item| item.contains_key("carriers_pk"));
    let keys: Vec<_> = indexed.map(|item| item["sk"].as_s().unwrap().clone()).collect();
    assert_eq!(keys, ["CATEGORY#2147483655"]);
}

#[tokio::test]
async fn searching_takes_a_role_of_its_own() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.add_key_with("reader", &["categories:read", "categories:write", "catalogue:write"]).await;
    api.add_key_with("campaign", &["categories:search"]).await;
    for path in [carriers(7), format!("{}/count", carriers(7))] {
        let with = |key: &str| send(api.anonymous(Method::GET, &path).header("x-auth-roles", key));
        let details = with(&key_of("reader")).await.refused(403, "MCUS.999.995");
        assert_eq!(details, ["the API key lacks the role `categories:search`"]);
        assert_eq!(with(&key_of("campaign")).await.status, 200);
        assert_eq!(with("READ_ONLY").await.status, 200);
        let elsewhere = api.anonymous(Method::GET, &category(7)).header("x-auth-roles", key_of("campaign"));
        send(elsewhere).await.refused(403, "MCUS.999.995");
    }
}
