use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, CATEGORIES, DEFINITION_HISTORY, DEFINITIONS, category, definition, send};

#[tokio::test]
async fn the_name_is_free_and_the_history_stays() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["gold"] })).await;
    assert_eq!(api.delete(&format!("{}?reason=Unused", definition(7))).await.status, 204);
    api.get(&definition(7)).await.refused(404, "MCUS.999.997");
    api.delete(&definition(7)).await.refused(404, "MCUS.999.997");
    assert_eq!(api.get(DEFINITIONS).await.json(), json!({ "categories": [] }));
    assert_eq!(api.define(json!({ "id": 8, "name": "tier" })).await.status, 201);

    let last =
        api.get(&format!("{DEFINITION_HISTORY}?category_id=7&limit=1")).await.json()["history"][0].clone();
    let members = json!([
        last["change"],
        last["name"],
        last["valid_values"],
        last["archived"],
        last["reason"],
        last["previous"]
    ]);
    let previous = json!({
        "name": "Tier", "description": null, "valid_values": ["gold"], "archived": false, "reason": null,
    });
    assert_eq!(members, json!(["deleted", null, null, null, "Unused", previous]));
}

#[tokio::test]
async fn a_repeated_deletion_spares_what_was_defined_since() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    let delete = || send(api.request(Method::DELETE, &definition(7)).header("idempotency-key", "once"));
    assert_eq!(delete().await.status, 204);
    api.define(json!({ "id": 7, "name": "Level" })).await;
    assert_eq!(delete().await.status, 204);
    assert_eq!(api.get(&definition(7)).await.json()["name"], "Level");
}

#[tokio::test]
async fn what_customers_carry_keeps_its_definition() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.create(7, "gold").await;
    // Of another organisation, and under another id.
    let elsewhere = CATEGORIES.replace("telco", "rival");
    send(api.request(Method::POST, &elsewhere).json(&json!({ "id": 8, "value": "gold" }))).await;
    api.define(json!({ "id": 8, "name": "Score" })).await;
    assert_eq!(api.delete(&definition(8)).await.status, 204);

    let before = api.items().await;
    let details = api.delete(&definition(7)).await.refused(409, "MCUS.999.991");
    assert_eq!(details, ["customers carry this category; archive it, so that nobody is given it any more"]);
    let stale = send(api.request(Method::DELETE, &definition(7)).header("if-match", "\"stale\"")).await;
    stale.refused(412, "MCUS.999.993");
    assert_eq!(api.items().await, before);
    assert_eq!(api.delete(&category(7)).await.status, 204);
    assert_eq!(api.delete(&definition(7)).await.status, 204);
}

#[tokio::test]
async fn a_repeated_deletion_does_not_look_who_carries_it_since() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    let delete = || send(api.request(Method::DELETE, &definition(7)).header("idempotency-key", "once"));
    assert_eq!(delete().await.status, 204);
    api.define(json!({ "id": 7, "name": "Level" })).await;
    api.create(7, "gold").await;
    assert_eq!(delete().await.status, 204);
    assert_eq!(api.get(&definition(7)).await.status, 200);
}
