use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Api, DEFINITION_HISTORY, DEFINITIONS, definition, send};

#[tokio::test]
async fn a_caller_that_has_the_revision_is_told_so() {
    let api = Api::start().await;
    let etag = api.define(json!({ "id": 7, "name": "Tier" })).await.etag();
    let held = send(api.request(Method::GET, &definition(7)).header("if-none-match", &etag)).await;
    assert_eq!((held.status, held.body.as_str()), (304, ""));
}

#[tokio::test]
async fn the_catalogue_comes_in_the_order_of_ids_page_by_page() {
    let api = Api::start().await;
    for id in [3, -5, 0, 9] {
        api.define(json!({ "id": id, "name": format!("Category {id}") })).await;
    }
    let pages = api.pages(&format!("{DEFINITIONS}?limit=3"), "categories").await;
    let ids: Vec<Vec<i64>> =
        pages.iter().map(|page| page.iter().map(|one| one["id"].as_i64().unwrap()).collect()).collect();
    assert_eq!(ids, [vec![-5, 0, 3], vec![9]]);
}

#[tokio::test]
async fn a_moment_shows_the_catalogue_as_it_was_then() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.define(json!({ "id": 8, "name": "Score" })).await;
    let moment = api.get(&definition(8)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.patch(&definition(7), json!({ "name": "Level" })).await;
    api.delete(&definition(8)).await;
    api.define(json!({ "id": 9, "name": "Tier" })).await;

    let then = |path: &str| format!("{path}?as_of={moment}");
    assert_eq!(api.get(&then(&definition(7))).await.json()["name"], "Tier");
    api.get(&then(&definition(9))).await.refused(404, "MCUS.999.997");
    let list = api.get(&then(DEFINITIONS)).await.json();
    let names: Vec<&Value> = list["categories"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Tier", "Score"]);
}

#[tokio::test]
async fn cursors_of_customers_and_catalogues_do_not_fit_each_other() {
    let api = Api::start().await;
    for id in [1, 2] {
        api.define(json!({ "id": id, "name": format!("Category {id}") })).await;
        api.create(id, "gold").await;
    }
    let catalogue = api.get(&format!("{DEFINITIONS}?limit=1")).await.json();
    let cursor = catalogue["next_cursor"].as_str().unwrap();
    let rival = DEFINITIONS.replace("telco", "rival");
    for path in [crate::support::api::CATEGORIES, &rival] {
        api.get(&format!("{path}?cursor={cursor}")).await.refused(400, "MCUS.999.998");
    }
}

#[tokio::test]
async fn an_organisation_that_never_defined_anything_is_not_found() {
    let api = Api::start().await;
    // What its customers carry is no catalogue.
    api.create(7, "gold").await;
    let details = api.get(DEFINITIONS).await.refused(404, "MCUS.999.997");
    assert_eq!(details, ["the organisation has no catalogue"]);
}

#[tokio::test]
async fn pages_stay_below_what_lambda_can_carry() {
    let api = Api::start().await;
    // As much as a body has room for. Nearly every character takes seven bytes once it is escaped twice.
    let values: Vec<_> = (0..42).map(|n| format!("{}{n:02}", "\u{1}".repeat(253))).collect();
    for id in 0..110 {
        let body = json!({ "id": id, "name": format!("n{id}"), "valid_values": values });
        assert_eq!(api.define(body).await.status, 201);
    }
    for (path, list) in [(DEFINITIONS, "categories"), (DEFINITION_HISTORY, "history")] {
        let path = format!("{path}?limit=1000");
        let first = api.page(&path).await;
        let as_lambda_sends_it = serde_json::to_string(&first.body).unwrap().len();
        assert!(as_lambda_sends_it < 6 * 1024 * 1024, "{path}: {as_lambda_sends_it}");
        assert_eq!(api.pages(&path, list).await.concat().len(), 110);
    }
}
