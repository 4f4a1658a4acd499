use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Api, DEFINITIONS, definition, send};

const BAD_REQUEST: &str = "MCUS.999.998";
const CONFLICT: &str = "MCUS.999.994";

#[tokio::test]
async fn answers_where_it_is_and_what_it_says() {
    let api = Api::start().await;
    let defined = api
        .define(json!({
            "id": 7,
            "name": "Tier",
            "description": "What the customer spends",
            "valid_values": ["silver", "gold"],
            "reason": "Loyalty campaign",
        }))
        .await;
    assert_eq!((defined.status, defined.body.as_str()), (201, ""));
    assert_eq!(defined.header("location").unwrap(), definition(7));

    let read = api.get(&definition(7)).await;
    assert_eq!(read.etag(), defined.etag());
    insta::assert_json_snapshot!(read.json(), { ".created_at" => "[time]", ".updated_at" => "[time]" }, @r#"
    {
      "archived": false,
      "created_at": "[time]",
      "description": "What the customer spends",
      "id": 7,
      "name": "Tier",
      "reason": "Loyalty campaign",
      "updated_at": "[time]",
      "valid_values": [
        "silver",
        "gold"
      ]
    }
    "#);
}

#[tokio::test]
async fn an_id_and_a_name_suffice() {
    let api = Api::start().await;
    assert_eq!(api.define(json!({ "id": -7, "name": "\u{202e}Tier" })).await.status, 201);
    let read = api.get(&definition(-7)).await.json();
    let unset =
        json!([read["name"], read["description"], read["valid_values"], read["archived"], read["reason"]]);
    assert_eq!(unset, json!(["\u{202e}Tier", null, null, false, null]));
}

#[tokio::test]
async fn ids_and_names_are_unique() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Stra\u{df}e" })).await;
    let same_id = api.define(json!({ "id": 7, "name": "Other" })).await;
    assert_eq!(same_id.refused(409, CONFLICT), ["the catalogue defines this category already"]);
    for name in ["STRASSE", " stra\u{df}e ", "stra\u{200b}sse"] {
        let same_name = api.define(json!({ "id": 8, "name": name })).await;
        assert_eq!(
            same_name.refused(409, CONFLICT),
            ["category 7 has this name, or one that looks the same"],
            "{name}"
        );
    }
    assert_eq!(api.items().await.len(), 3);

    // Another organisation has names of its own.
    let elsewhere = DEFINITIONS.replace("telco", "rival");
    let body = json!({ "id": 7, "name": "Stra\u{df}e" });
    assert_eq!(send(api.request(Method::POST, &elsewhere).json(&body)).await.status, 201);
}

#[tokio::test]
async fn of_sixteen_that_take_a_name_at_the_same_time_one_has_it() {
    let api = Api::start().await;
    let names = ["Gold", "gold", "GOLD", " gold"];
    let requests = (0..16).map(|id| api.define(json!({ "id": id, "name": names[id % names.len()] })));
    let statuses: Vec<u16> = join_all(requests).await.into_iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    let list = api.get(DEFINITIONS).await.json();
    assert_eq!(list["categories"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repetition_with_its_key_is_answered_alike_even_after_the_name_has_gone_elsewhere() {
    let api = Api::start().await;
    let define = || {
        let body = json!({ "id": 7, "name": "Tier" });
        send(api.request(Method::POST, DEFINITIONS).header("idempotency-key", "once").json(&body))
    };
    let first = define().await;
    api.patch(&definition(7), json!({ "name": "Level" })).await;
    assert_eq!(api.define(json!({ "id": 8, "name": "Tier" })).await.status, 201);
    let repeated = define().await;
    assert_eq!((repeated.status, repeated.etag()), (201, first.etag()));
    assert_eq!(api.get(&definition(7)).await.json()["name"], "Level");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_written() {
    let api = Api::start().await;
    let values = |values: Value| json!({ "id": 7, "name": "Tier", "valid_values": values });
    let many: Vec<String> = (0..101).map(|value| value.to_string()).collect();
    for (body, says) in [
        (json!({ "name": "Tier" }), "`id` is required"),
        (json!({ "id": 7 }), "`name` is required"),
        (json!({ "id": 7, "name": null }), "`name` must be a string"),
        (json!({ "id": 7, "name": "" }), "`name` must have a character that can be seen"),
        (json!({ "id": 7, "name": " \u{a0}\u{3000}" }), "`name` must have a character that can be seen"),
        (json!({ "id": 7, "name": "\u{200b}" }), "`name` must have a character that can be seen"),
        (json!({ "id": 7, "name": "a\nb" }), "`name` must not contain control characters"),
        (json!({ "id": 7, "name": "a".repeat(101) }), "`name` must have at most 100 characters, but has 101"),
        (json!({ "id": "7", "name": "Tier" }), "`id` must be an integer"),
        (json!({ "id": 7, "name": "Tier", "archived": null }), "`archived` must be true or false"),
        (json!({ "id": 7, "name": "Tier", "archived": "yes" }), "`archived` must be true or false"),
        (json!({ "id": 7, "name": "Tier", "description": null }), "`description` must be a string"),
        (json!({ "id": 7, "name": "Tier", "value": "gold" }), "`value` is not known"),
        (values(json!("gold")), "`valid_values` must be an array of strings or null"),
        (values(json!([null])), "`valid_values` [0] must be a string"),
        (values(json!(["a", 1])), "`valid_values` [1] must be a string"),
        (values(json!(["a", ""])), "`valid_values` [1] must have at least 1 character"),
        (values(json!(["a", "b", "a"])), "`valid_values` [2] repeats a value"),
        (
            values(json!(["a".repeat(256)])),
            "`valid_values` [0] must have at most 255 characters, but has 256",
        ),
        (values(json!(["a\0"])), "`valid_values` [0] must not contain NUL"),
        (values(json!(many)), "`valid_values` must have at most 100 values, but has 101"),
    ] {
        let details = api.define(body).await.refused(400, BAD_REQUEST);
        assert!(details.iter().any(|details| details.starts_with(says)), "{details:?}: {says}");
    }
    assert_eq!(api.items().await, []);
}
