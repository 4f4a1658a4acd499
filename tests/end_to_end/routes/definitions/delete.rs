use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, DEFINITION_HISTORY, DEFINITIONS, category, definition, send};

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
async fn what_customers_carry_stays() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.create(7, "gold").await;
    api.delete(&definition(7)).await;
    assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
}
