use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api, HISTORY, category, send};

async fn set(api: &Api, header: (&str, &str), body: Value) -> Answer {
    send(api.request(Method::PUT, &category(7)).header(header.0, header.1).json(&body)).await
}

async fn history(api: &Api) -> Vec<Value> {
    api.get(HISTORY).await.json()["history"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_is_created_replaced_or_left_alone() {
    let api = Api::start().await;
    let body = json!({ "value": "gold", "description": "d", "reason": "r" });
    let created = api.put(&category(7), body.clone()).await;
    assert_eq!((created.status, created.body.as_str()), (201, ""));
    assert_eq!(api.get(&category(7)).await.etag(), created.etag());

    let again = api.put(&category(7), body).await;
    assert_eq!((again.status, again.etag()), (204, created.etag()));
    assert_eq!(history(&api).await.len(), 1);

    // What is left out is null, as is what is said to be.
    let replaced = api.put(&category(7), json!({ "value": "gold", "reason": null })).await;
    assert_eq!(replaced.status, 204);
    assert_ne!(replaced.etag(), created.etag());
    let read = api.get(&category(7)).await;
    assert_eq!(read.etag(), replaced.etag());
    let read = read.json();
    assert_eq!(json!([read["value"], read["description"], read["reason"]]), json!(["gold", null, null]));
    insta::assert_json_snapshot!(
        history(&api).await[0],
        { ".changed_at" => "[time]", ".revision" => "[revision]" },
        @r#"
    {
      "change": "updated",
      "changed_at": "[time]",
      "changed_by": "API_KEY",
      "description": null,
      "id": 7,
      "previous": {
        "description": "d",
        "reason": "r",
        "value": "gold"
      },
      "reason": null,
      "revision": "[revision]",
      "value": "gold"
    }
    "#
    );
}

#[tokio::test]
async fn it_is_created_in_place_of_a_deleted_one_behind_it() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    api.clock.shift_wall(-60_000);
    assert_eq!(api.put(&category(7), json!({ "value": "gold" })).await.status, 201);
    let history = history(&api).await;
    let changes: Vec<_> = history.iter().map(|entry| entry["change"].clone()).collect();
    assert_eq!(changes, ["created", "deleted", "created"]);
    assert_eq!(history[0]["previous"], Value::Null);
    assert!(history.is_sorted_by(|newer, older| newer["revision"].as_str() > older["revision"].as_str()));
}

#[tokio::test]
async fn the_body_says_everything_and_nothing_else() {
    let api = Api::start().await;
    for (body, problem) in [
        (json!({}), "`value` is required"),
        (json!({ "value": 7 }), "`value` must be a string or null"),
        (json!({ "value": "x", "id": 7 }), "`id` is not known"),
        (json!({ "value": "x", "description": 1 }), "`description` must be a string"),
        (json!([]), "`body` must be a JSON object"),
    ] {
        assert_eq!(api.put(&category(7), body).await.refused(400, "MCUS.999.998"), [problem]);
    }
    let request =
        api.request(Method::PUT, &category(7)).header("content-type", "application/merge-patch+json");
    send(request.body(r#"{"value":"x"}"#)).await.refused(400, "MCUS.999.998");
    api.put("/v4/orgs/telco/customers/x/categories/y", json!({})).await.refused(400, "MCUS.999.998");
    assert_eq!(api.items().await.len(), 0);
}

#[tokio::test]
async fn a_precondition_creates_only_or_replaces_only() {
    let api = Api::start().await;
    let value = |value: &str| json!({ "value": value });
    for tag in ["*", "\"01a208e8-fe27-75de-a151-569bda83de6f\""] {
        let details = set(&api, ("if-match", tag), value("gold")).await.refused(412, "MCUS.999.993");
        assert_eq!(details, ["there is none that `If-Match` could name; read again and decide again"]);
    }
    let created = set(&api, ("if-none-match", "*"), value("gold")).await;
    assert_eq!(created.status, 201);
    // Not even what would change nothing.
    let details = set(&api, ("if-none-match", "*"), value("gold")).await.refused(412, "MCUS.999.993");
    assert_eq!(details, ["there is one already, where `If-None-Match: *` wants none"]);
    let replaced = set(&api, ("if-match", &created.etag()), value("silver")).await;
    assert_eq!(replaced.status, 204);
    set(&api, ("if-match", &created.etag()), value("silver")).await.refused(412, "MCUS.999.993");
    assert_eq!(set(&api, ("if-match", "*"), value("bronze")).await.status, 204);
    for (name, text) in [("if-none-match", "\"x\""), ("if-none-match", ""), ("if-match", "x")] {
        set(&api, (name, text), value("iron")).await.refused(400, "MCUS.999.998");
    }
    let both = api.request(Method::PUT, &category(7)).header("if-match", "*").header("if-none-match", "*");
    send(both.json(&value("iron"))).await.refused(400, "MCUS.999.998");
    assert_eq!(history(&api).await.len(), 3);
}

#[tokio::test]
async fn a_repetition_under_a_key_is_answered_as_the_first_time() {
    let api = Api::start().await;
    let put =
        async |key: &str, value: &str| set(&api, ("idempotency-key", key), json!({ "value": value })).await;
    let created = put("a", "gold").await;
    assert_eq!(created.status, 201);
    let replaced = put("b", "silver").await;
    assert_eq!(replaced.status, 204);
    api.delete(&category(7)).await;
    for (key, value, first) in [("a", "gold", &created), ("b", "silver", &replaced)] {
        let again = put(key, value).await;
        assert_eq!((again.status, again.etag()), (first.status, first.etag()));
    }
    put("a", "silver").await.refused(409, "MCUS.999.994");
    // The condition is a part of the request.
    let request =
        api.request(Method::PUT, &category(7)).header("idempotency-key", "a").header("if-match", "*");
    send(request.json(&json!({ "value": "gold" }))).await.refused(409, "MCUS.999.994");
    assert_eq!(history(&api).await.len(), 3);
    api.clock.advance(Duration::from_hours(24));
    assert_eq!(put("a", "gold").await.status, 201);
}

#[tokio::test]
async fn what_changes_nothing_does_not_ask_the_catalogue() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["silver"] })).await;
    api.clock.advance(Duration::from_secs(30));
    assert_eq!(api.put(&category(7), json!({ "value": "gold" })).await.status, 204);
    api.put(&category(7), json!({ "value": "iron" })).await.refused(400, "MCUS.999.998");
    // Nor what leaves the value as it is, or takes it away.
    assert_eq!(api.put(&category(7), json!({ "value": "gold", "reason": "r" })).await.status, 204);
    assert_eq!(api.put(&category(7), json!({ "value": null })).await.status, 204);
    assert_eq!(api.put(&category(7), json!({ "value": "silver" })).await.status, 204);
    api.put(&category(8), json!({ "value": "x" })).await;
    assert_eq!(api.patch("/v4/orgs/telco/categories/7", json!({ "archived": true })).await.status, 204);
    api.clock.advance(Duration::from_secs(30));
    api.put(&category(7).replace("123e4567", "223e4567"), json!({ "value": null }))
        .await
        .refused(404, "MCUS.999.997");
}
