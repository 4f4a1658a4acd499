use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Api, CATEGORIES, HISTORY, category, key_of, send};

#[tokio::test]
async fn answers_where_it_is_and_what_it_says() {
    let api = Api::start().await;
    let created = api
        .post(json!({
            "id": 214_748_364,
            "value": "influencer",
            "description": "Bill discount",
            "reason": "Sponsors their videos",
        }))
        .await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body, "");
    assert_eq!(created.header("content-type"), None);
    let location = created.header("location").unwrap();
    assert_eq!(location, category(214_748_364));

    let read = api.get(location).await;
    assert_eq!(read.etag(), created.etag());
    insta::assert_json_snapshot!(read.json(), { ".created_at" => "[time]", ".updated_at" => "[time]" }, @r#"
    {
      "created_at": "[time]",
      "description": "Bill discount",
      "id": 214748364,
      "reason": "Sponsors their videos",
      "updated_at": "[time]",
      "value": "influencer"
    }
    "#);
    let history = api.get(HISTORY).await.json();
    insta::assert_json_snapshot!(history, { ".history[].changed_at" => "[time]", ".history[].revision" => "[revision]" }, @r#"
    {
      "history": [
        {
          "change": "created",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": "Bill discount",
          "id": 214748364,
          "previous": null,
          "reason": "Sponsors their videos",
          "revision": "[revision]",
          "value": "influencer"
        }
      ]
    }
    "#);
    assert_eq!(format!("{}", history["history"][0]["revision"]), created.etag());
    assert_eq!(history["history"][0]["changed_at"], read.json()["created_at"]);
}

#[tokio::test]
async fn value_may_be_null_and_the_rest_absent() {
    let api = Api::start().await;
    assert_eq!(api.post(json!({ "id": i32::MIN, "value": null })).await.status, 201);
    let read = api.get(&category(i32::MIN)).await.json();
    insta::assert_json_snapshot!(read, { ".created_at" => "[time]", ".updated_at" => "[time]" }, @r#"
    {
      "created_at": "[time]",
      "description": null,
      "id": -2147483648,
      "reason": null,
      "updated_at": "[time]",
      "value": null
    }
    "#);
}

#[tokio::test]
async fn texts_may_be_as_long_as_the_caps_in_characters() {
    let api = Api::start().await;
    let body = json!({
        "id": i32::MAX,
        "value": "😀".repeat(255),
        "description": "é".repeat(1000),
        "reason": "\u{1}".repeat(1000),
    });
    assert_eq!(api.post(body.clone()).await.status, 201);
    let read = api.get(&category(i32::MAX)).await.json();
    for name in ["value", "description", "reason"] {
        assert_eq!(read[name], body[name]);
    }

    let long = json!({ "id": 1, "value": "é".repeat(256), "description": "é".repeat(1001), "reason": "" });
    insta::assert_json_snapshot!(api.post(long).await.refused(400, "MCUS.999.998"), @r#"
    [
      "`value` must have at most 255 characters, but has 256",
      "`description` must have at most 1000 characters, but has 1001"
    ]
    "#);
}

#[tokio::test]
async fn an_id_that_exists_is_a_conflict_and_changes_nothing() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let again = api.post(json!({ "id": 7, "value": "silver" })).await;
    insta::assert_json_snapshot!(again.json(), @r#"
    {
      "errors": [
        {
          "error": {
            "code": "MCUS.999.994",
            "details": "the customer has this category already",
            "message": "The resource already exists",
            "ref": "https://docs.example/errors#MCUS.999.994",
            "title": "Conflict"
          }
        }
      ]
    }
    "#);
    assert_eq!(again.status, 409);
    assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_deleted_can_be_created_again_and_keeps_its_history() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    // However far the clock goes back, the new life comes after the old one's end.
    api.clock.shift_wall(-3_600_000);
    api.create(7, "silver").await;

    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    let changes: Vec<_> = entries.iter().map(|entry| entry["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["created", "deleted", "created"]);
    assert_eq!(entries[0]["previous"], json!(null));
    assert_eq!(api.get(&category(7)).await.json()["value"], "silver");
}

#[tokio::test]
async fn customer_ids_are_one_whatever_their_case() {
    let api = Api::start().await;
    let upper = CATEGORIES.replace("123e4567-e89b", "123E4567-E89B");
    let created = send(api.request(Method::POST, &upper).json(&json!({ "id": 7, "value": "gold" }))).await;
    assert_eq!(created.header("location").unwrap(), category(7));
    assert_eq!(api.get(&category(7)).await.status, 200);
    assert_eq!(api.get(&format!("{upper}/7")).await.status, 200);
}

#[tokio::test]
async fn json_may_be_declared_with_parameters_or_not_at_all() {
    let api = Api::start().await;
    for (id, declared) in
        [(1, Some("application/json; charset=utf-8")), (2, Some("Application/JSON")), (3, None)]
    {
        let request =
            api.request(Method::POST, CATEGORIES).body(json!({ "id": id, "value": "x" }).to_string());
        let request = match declared {
            Some(declared) => request.header("content-type", declared),
            None => request,
        };
        assert_eq!(send(request).await.status, 201, "{declared:?}");
    }
}

async fn post_with_key(api: &Api, key: &str, body: &serde_json::Value) -> crate::support::api::Answer {
    send(api.request(Method::POST, CATEGORIES).header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn a_repeated_post_is_answered_as_the_first_and_leaves_one_history_entry() {
    let api = Api::start().await;
    let body = json!({ "id": 7, "value": "gold", "reason": "r" });
    let first = post_with_key(&api, "key-1", &body).await;
    assert_eq!(first.status, 201);
    api.patch(&category(7), json!({ "value": "silver" })).await;

    let reordered = json!({ "reason": "r", "value": "gold", "id": 7 });
    let again = post_with_key(&api, "key-1", &reordered).await;
    assert_eq!((again.status, again.body.as_str()), (201, ""));
    assert_eq!((again.etag(), again.header("location")), (first.etag(), first.header("location")));
    assert_eq!(api.get(&category(7)).await.json()["value"], "silver");
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 2);

    post_with_key(&api, "key-1", &json!({ "id": 7, "value": "gold" })).await.refused(409, "MCUS.999.994");
    post_with_key(&api, "key-2", &body).await.refused(409, "MCUS.999.994");
    api.post(body.clone()).await.refused(409, "MCUS.999.994");

    // What others did in between changes nothing: it is not brought back.
    api.delete(&category(7)).await;
    let again = post_with_key(&api, "key-1", &body).await;
    assert_eq!((again.status, again.etag()), (201, first.etag()));
    api.get(&category(7)).await.refused(404, "MCUS.999.997");
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 3);

    // A day later it is a new request.
    api.clock.advance(Duration::from_hours(24));
    let anew = post_with_key(&api, "key-1", &body).await;
    assert_eq!(anew.status, 201);
    assert_ne!(anew.etag(), first.etag());
}

#[tokio::test]
async fn keys_of_different_callers_never_meet() {
    let api = Api::start().await;
    api.add_key("other-crm").await;
    let post = async |key: &str, body: Value| {
        let request = api.anonymous(Method::POST, CATEGORIES).header("x-auth-roles", key_of(key));
        send(request.header("idempotency-key", "key-1").json(&body)).await
    };
    assert_eq!(post("API_KEY", json!({ "id": 7, "value": "gold" })).await.status, 201);
    post("other-crm", json!({ "id": 7, "value": "gold" })).await.refused(409, "MCUS.999.994");
    assert_eq!(post("other-crm", json!({ "id": 8, "value": "gold" })).await.status, 201);
    assert_eq!(post("API_KEY", json!({ "id": 7, "value": "gold" })).await.status, 201);
}

#[tokio::test]
async fn a_category_created_without_a_key_is_nobodys_repetition() {
    let api = Api::start().await;
    let body = json!({ "id": 7, "value": "gold" });
    api.post(body.clone()).await;
    post_with_key(&api, "key-1", &body).await.refused(409, "MCUS.999.994");
}

#[tokio::test]
async fn an_idempotency_key_is_visible_ascii() {
    let api = Api::start().await;
    let body = json!({ "id": 7, "value": "gold" });
    for key in ["", "a b", &"x".repeat(256), "clé", "a\tb"] {
        let details = post_with_key(&api, key, &body).await.refused(400, "MCUS.999.998");
        assert!(details[0].starts_with("`Idempotency-Key` must be"), "{details:?}");
    }
    assert_eq!(post_with_key(&api, &"~".repeat(255), &body).await.status, 201);
}
