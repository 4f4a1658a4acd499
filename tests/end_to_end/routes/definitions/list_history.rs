use serde_json::json;

use crate::support::api::{Api, DEFINITION_HISTORY, definition};

#[tokio::test]
async fn every_change_is_there_newest_first() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.define(json!({ "id": 8, "name": "Score" })).await;
    api.patch(&definition(7), json!({ "valid_values": [], "reason": "A tag" })).await;
    let history = api.get(DEFINITION_HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| json!([entry["id"], entry["change"], entry["valid_values"], entry["previous"]["name"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([[7, "updated", [], "Tier"], [8, "created", null, null], [7, "created", null, null]])
    );
    assert_eq!(entries[0]["changed_by"], "API_KEY");

    let pages = api.pages(&format!("{DEFINITION_HISTORY}?category_id=7&limit=1"), "history").await;
    assert_eq!(pages.concat().len(), 2);
}

#[tokio::test]
async fn an_organisation_that_never_defined_anything_is_not_found() {
    let api = Api::start().await;
    api.get(DEFINITION_HISTORY).await.refused(404, "MCUS.999.997");
}
