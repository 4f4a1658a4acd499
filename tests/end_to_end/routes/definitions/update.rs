use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, DEFINITION_HISTORY, definition, send};

#[tokio::test]
async fn a_merge_patch_changes_what_it_names() {
    let api = Api::start().await;
    let before = api
        .define(json!({ "id": 7, "name": "Tier", "description": "Spending", "valid_values": ["gold"] }))
        .await;
    let patched = api.patch(&definition(7), json!({ "archived": true, "description": null })).await;
    assert_eq!(patched.status, 204);
    assert_ne!(patched.etag(), before.etag());
    let read = api.get(&definition(7)).await.json();
    let members = json!([read["name"], read["description"], read["valid_values"], read["archived"]]);
    assert_eq!(members, json!(["Tier", null, ["gold"], true]));

    let unchanged = api.patch(&definition(7), json!({ "archived": true, "name": "Tier" })).await;
    assert_eq!((unchanged.status, unchanged.etag()), (204, patched.etag()));
    api.patch(&definition(7), json!({ "valid_values": null })).await;
    assert!(api.get(&definition(7)).await.json()["valid_values"].is_null());
}

#[tokio::test]
async fn a_new_name_frees_the_one_before_and_history_keeps_it() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.define(json!({ "id": 8, "name": "Score" })).await;
    let taken = api.patch(&definition(8), json!({ "name": "TIER" })).await;
    assert_eq!(taken.refused(409, "MCUS.999.994"), ["category 7 has this name, or one that looks the same"]);

    // Another case of one's own name is no other name.
    assert_eq!(api.patch(&definition(7), json!({ "name": "TIER" })).await.status, 204);
    assert_eq!(api.patch(&definition(7), json!({ "name": "Level" })).await.status, 204);
    assert_eq!(api.patch(&definition(8), json!({ "name": "tier" })).await.status, 204);
    assert_eq!(api.patch(&definition(7), json!({ "name": "Tier" })).await.status, 409);

    let history = api.get(&format!("{DEFINITION_HISTORY}?category_id=7")).await.json();
    let names: Vec<_> =
        history["history"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Level", "TIER", "Tier"]);
}

#[tokio::test]
async fn it_can_be_made_conditional() {
    let api = Api::start().await;
    let first = api.define(json!({ "id": 7, "name": "Tier" })).await.etag();
    let patch = |etag: String, name: &str| {
        let body = json!({ "name": name });
        send(api.request(Method::PATCH, &definition(7)).header("if-match", etag).json(&body))
    };
    assert_eq!(patch(first.clone(), "Level").await.status, 204);
    patch(first, "Rank").await.refused(412, "MCUS.999.993");
}

#[tokio::test]
async fn a_name_can_not_be_emptied() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for (body, says) in [
        (json!({ "name": null }), "`name` must be a string"),
        (json!({ "name": "" }), "`name` must have a character that can be seen"),
        (json!({ "archived": null }), "`archived` must be true or false"),
        (json!({ "id": 8 }), "`id` is not known"),
    ] {
        assert_eq!(api.patch(&definition(7), body).await.refused(400, "MCUS.999.998"), [says]);
    }
    api.patch(&definition(8), json!({ "name": "Tier" })).await.refused(404, "MCUS.999.997");
}
