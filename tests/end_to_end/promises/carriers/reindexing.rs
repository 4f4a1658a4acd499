//! What was carried before there was an index.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::json;

use super::start;
use crate::support::{
    api::{Api, carriers, category, send},
    carriers::{categories, id, listed},
    proxy::Fault,
};

/// Has items lack what the index is by, as those did that were written before there was one.
async fn forget_the_index(api: &Api) {
    for mut item in api.items().await {
        if item.remove("carriers_pk").is_some() && item.remove("carriers_sk").is_some() {
            let put = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
            put.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_carried_before_there_was_an_index_gets_its_place_and_nothing_else_changes() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for number in 0..40 {
        api.give(number, Some("gold").filter(|_| number % 4 > 0)).await;
    }
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    let before = api.items().await;
    forget_the_index(&api).await;
    assert_eq!(listed(&api.get(&carriers(7)).await.json()).len(), 0);
    // One is changed by a function of today's in between.
    let patch = json!({ "value": "silver" });
    send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
    assert_eq!(api.everybody(1000, "").await.len(), 1);
    let done = api.store.reindex(None).await.unwrap();
    assert_eq!((done.found.len(), done.next.is_none()), (39, true));
    assert_eq!(api.everybody(1000, "").await.len(), 40);
    assert_eq!(api.everybody(1000, "&has_value=false").await.len(), 10);
    // Of the one that was changed, there is an entry more.
    let changed = |item: &std::collections::HashMap<String, AttributeValue>| {
        item["pk"].as_s().unwrap().ends_with(&id(1))
    };
    let others = |items: Vec<_>| -> BTreeSet<String> {
        let sorted = |item: std::collections::HashMap<_, _>| item.into_iter().collect::<BTreeMap<_, _>>();
        items.into_iter().filter(|item| !changed(item)).map(|item| format!("{:?}", sorted(item))).collect()
    };
    assert_eq!(others(api.items().await), others(before));
    assert_eq!(api.store.reindex(None).await.unwrap().found.len(), 0);
}

/// What was read has been changed when it is written: the change has given it its place.
#[tokio::test]
async fn a_change_amid_the_reindexing_wins() {
    let (api, proxy) = start().await;
    api.give(1, Some("gold")).await;
    forget_the_index(&api).await;
    let store = proxy.store_through(&api);
    proxy.hold("#carriers_pk");
    let reindexing = store.reindex(None);
    let change = async {
        proxy.holds_one().await;
        let patch = json!({ "value": "silver" });
        send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
        proxy.release();
    };
    let (done, ()) = futures_util::future::join(reindexing, change).await;
    assert_eq!(done.unwrap().found.len(), 0);
    assert_eq!(api.everybody(1000, "&value=silver").await.len(), 1);
    assert_eq!(api.everybody(1000, "&value=gold").await.len(), 0);
}

#[tokio::test]
async fn a_place_that_can_not_be_given_ends_the_reindexing() {
    let (api, proxy) = start().await;
    api.give(1, Some("gold")).await;
    forget_the_index(&api).await;
    let store = proxy.store_through(&api);
    proxy.break_next(1, "UpdateItem", Fault::Error("ValidationException"));
    store.reindex(None).await.unwrap_err();
    assert_eq!(store.reindex(None).await.unwrap().found.len(), 1);
}
