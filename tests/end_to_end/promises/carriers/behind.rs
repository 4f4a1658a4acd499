//! The index is behind the table.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::start;
use crate::support::{
    api::{carriers, category, definition, send},
    carriers::{categories, id, listed},
};

/// Whoever reads a moment behind sees what was so then, and in the end what is so.
#[tokio::test]
async fn an_index_that_is_behind_tells_of_the_moment_before() {
    let (api, proxy) = start().await;
    for number in 0..3 {
        api.give(number, Some("gold")).await;
    }
    proxy.read_index_of(Some((&api.tables.categories, &api.earlier_moment().await)));
    api.delete(&format!("{}/7", categories(0))).await;
    let patch = json!({ "value": "silver" });
    send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
    api.give(3, Some("gold")).await;
    let gold = async || api.everybody(2, "&value=gold").await;
    let ids = |numbers: &[u128]| numbers.iter().map(|number| id(*number)).collect::<BTreeSet<_>>();
    assert_eq!(gold().await, ids(&[0, 1, 2]));
    // A caller's own writes are in what is read of the customer at once.
    api.get(&format!("{}/7", categories(0))).await.refused(404, "MCUS.999.997");
    proxy.read_index_of(None);
    assert_eq!(gold().await, ids(&[2, 3]));
}

#[tokio::test]
async fn a_page_goes_on_where_it_was_although_the_index_moves_in_between() {
    let (api, proxy) = start().await;
    for number in 0..30 {
        api.give(number, Some("gold")).await;
    }
    let earlier = api.earlier_moment().await;
    for number in (0..30).step_by(2) {
        api.delete(&format!("{}/7", categories(number))).await;
    }
    let mut met = Vec::new();
    let mut path = format!("{}?limit=4", carriers(7));
    for page in 0.. {
        // Replicas of an index are not equally far behind.
        let table = (api.tables.categories.as_str(), earlier.as_str());
        proxy.read_index_of(Some(table).filter(|_| page % 2 == 0));
        let page = api.get(&path).await.json();
        met.extend(listed(&page).into_iter().map(ToOwned::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit=4&cursor={cursor}", carriers(7));
    }
    for number in (1..30).step_by(2) {
        assert_eq!(met.iter().filter(|customer| **customer == id(number)).count(), 1, "{met:?}");
    }
}

/// The catalogue's side of the race: who is given the category in the index's last moment carries it without a
/// definition, as any category that is not defined.
#[tokio::test]
async fn a_definition_that_is_deleted_while_the_index_is_behind_leaves_what_is_carried_working() {
    let (api, proxy) = start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    proxy.read_index_of(Some((&api.tables.categories, &api.earlier_moment().await)));
    api.create(7, "gold").await;
    assert_eq!(api.delete(&definition(7)).await.status, 204);
    proxy.read_index_of(None);
    assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
    assert_eq!(listed(&api.get(&carriers(7)).await.json()).len(), 1);
    assert_eq!(api.patch(&category(7), json!({ "value": "silver" })).await.status, 204);
}
