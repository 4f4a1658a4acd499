use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api, BATCH, CATEGORIES, HISTORY, category, send};

const A: &str = "123e4567-e89b-12d3-a456-556642440000";
const B: &str = "223e4567-e89b-12d3-a456-556642440000";

fn set(customer: &str, id: i32, value: &str) -> Value {
    json!({ "op": "set", "customer_id": customer, "id": id, "value": value })
}

fn delete(customer: &str, id: i32) -> Value {
    json!({ "op": "delete", "customer_id": customer, "id": id })
}

/// The outcomes, in their order. Each result has its change's customer and id.
fn outcomes(changes: &Value, answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let results = body["results"].as_array().unwrap();
    let sent = changes.as_array().unwrap();
    assert_eq!(results.len(), sent.len());
    for (result, change) in results.iter().zip(sent) {
        assert_eq!((&result["customer_id"], &result["id"]), (&change["customer_id"], &change["id"]));
        assert_eq!(result["outcome"] == "failed", result["error"].is_object(), "{result}");
    }
    let failed = results.iter().filter(|result| result["outcome"] == "failed").count();
    assert_eq!(body["failed"], failed);
    results.iter().map(|result| result["outcome"].as_str().unwrap().to_owned()).collect()
}

async fn change(api: &Api, changes: Value) -> (Vec<String>, Value) {
    let answer = api.batch(changes.clone()).await;
    (outcomes(&changes, &answer), answer.json())
}

#[tokio::test]
async fn each_change_is_made_so_and_told_where_it_stood() {
    let api = Api::start().await;
    api.create(1, "gold").await;
    api.create(2, "gold").await;
    let of_b = CATEGORIES.replace(A, B);
    let changes = json!([
        set(A, 1, "silver"),
        set(B, 1, "lead"),
        set(A, 2, "gold"),
        delete(A, 3),
        set(A, -4, "new"),
        json!({ "op": "delete", "customer_id": B, "id": 9, "reason": "left" }),
    ]);
    let (made, body) = change(&api, changes.clone()).await;
    assert_eq!(made, ["updated", "created", "unchanged", "absent", "created", "absent"]);
    let list = api.get(CATEGORIES).await.json();
    let carried: Vec<_> =
        list["categories"].as_array().unwrap().iter().map(|one| one["value"].clone()).collect();
    assert_eq!(carried, ["new", "silver", "gold"]);
    assert_eq!(api.get(&format!("{of_b}/1")).await.json()["value"], "lead");
    for (at, id) in [(0, 1), (2, 2), (4, -4)] {
        assert_eq!(api.get(&category(id)).await.etag(), format!("{}", body["results"][at]["revision"]));
    }
    assert_eq!(body["results"][3]["revision"], Value::Null);

    let again = ["unchanged", "unchanged", "unchanged", "absent", "unchanged", "absent"];
    assert_eq!(change(&api, changes).await.0, again);
    let (made, body) = change(&api, json!([delete(A, 1), delete(A, 2), delete(A, -4), delete(B, 1)])).await;
    assert_eq!(made, ["deleted"; 4]);
    let history = api.get(HISTORY).await.json();
    let revisions: Vec<_> = (0..3).map(|at| body["results"][at]["revision"].clone()).collect();
    for entry in &history["history"].as_array().unwrap()[..3] {
        assert!(entry["change"] == "deleted" && revisions.contains(&entry["revision"]), "{entry}");
    }
    assert_eq!(api.get(CATEGORIES).await.json(), json!({ "categories": [] }));
}

#[tokio::test]
async fn everything_malformed_is_said_by_its_place_and_nothing_is_written() {
    let api = Api::start().await;
    let wrong = json!([
        set(A, 1, "gold"),
        json!({ "op": "set", "customer_id": "x", "id": "7", "colour": "red" }),
        json!({ "op": "delete", "customer_id": A, "id": 2, "value": "gold", "if_match": "*" }),
        set(&A.to_uppercase(), 1, "silver"),
    ]);
    insta::assert_json_snapshot!(api.batch(wrong).await.refused(400, "MCUS.999.998"), @r#"
    [
      "`changes[1].customer_id` must be a UUID such as 123e4567-e89b-12d3-a456-556642440000",
      "`changes[1].id` must be an integer from -2147483648 to 2147483647",
      "`changes[1].value` is required",
      "`changes[1].colour` is not known",
      "`changes[2].value` must not be sent where `op` is delete",
      "`changes[2].if_match` must be a revision, as `revision` in the history",
      "`changes[3].id` is another change's of the same customer already"
    ]
    "#);
    for (changes, says) in [
        (json!([]), "`changes` must have 1 to 100 elements, but has 0"),
        (json!({}), "`changes` must be an array"),
        (json!([[]]), "`changes[0]` must be a JSON object"),
        ((0..26).map(|id| set(A, id, "x")).collect(), "`changes[25].customer_id` has more than 25 changes"),
    ] {
        assert_eq!(api.batch(changes).await.refused(400, "MCUS.999.998"), [says]);
    }
    // Of every change as much as of a body.
    let members: serde_json::Map<_, _> = (0..30).map(|name| (name.to_string(), json!(0))).collect();
    let many: Vec<Value> = vec![Value::Object(members); 3];
    let details = api.batch(json!(many)).await.refused(400, "MCUS.999.998");
    assert_eq!(details.len(), 3 * 20 + 1);
    assert!(details.last().unwrap().starts_with("and 39 more"), "{details:?}");
    for body in [r#"{"changes":[],"changes":[]}"#, "{}", "[]", ""] {
        send(api.request(Method::POST, BATCH).body(body)).await.refused(400, "MCUS.999.998");
    }
    let long = json!({ "changes": [set(A, 1, "x")], "pad": " ".repeat(512 * 1024) });
    let details = send(api.request(Method::POST, BATCH).json(&long)).await.refused(400, "MCUS.999.998");
    assert!(details[0].starts_with("`body` must have at most 524288 bytes"), "{details:?}");
    assert_eq!(api.items().await.len(), 0);
}

#[tokio::test]
async fn a_customer_one_of_whose_changes_fails_has_none_made() {
    let api = Api::start().await;
    let etag = api.create(1, "gold").await.etag();
    let current = etag.trim_matches('"');
    api.define(json!({ "id": 5, "name": "Tier", "valid_values": ["gold"] })).await;
    api.define(json!({ "id": 6, "name": "Old", "archived": true })).await;
    let with = |change: Value, revision: &str| {
        let mut change = change;
        change["if_match"] = json!(revision);
        change
    };
    let before = api.items().await;
    let changes = json!([
        with(set(A, 1, "silver"), "01a208e8-fe27-75de-a151-569bda83de6f"),
        set(A, 2, "x"),
        set(A, 5, "lead"),
        set(A, 6, "x"),
        with(set(A, 7, "x"), current),
    ]);
    let (made, body) = change(&api, changes).await;
    assert_eq!(made, ["failed"; 5]);
    let told =
        |at: usize| json!([body["results"][at]["error"]["code"], body["results"][at]["error"]["details"]]);
    insta::assert_json_snapshot!((0..5).map(told).collect::<Vec<_>>(), @r#"
    [
      [
        "MCUS.999.993",
        "the current revision is not one that `If-Match` names; read again and decide again"
      ],
      [
        "MCUS.999.993",
        "another change of the customer failed"
      ],
      [
        "MCUS.999.998",
        "`value` is not valid for category 5, which has \"gold\""
      ],
      [
        "MCUS.999.997",
        "this category is archived in the organisation's catalogue"
      ],
      [
        "MCUS.999.993",
        "there is none that `If-Match` could name; read again and decide again"
      ]
    ]
    "#);
    assert_eq!(api.items().await, before);

    // Another customer has nothing to do with it.
    let mixed = json!([set(A, 5, "lead"), with(set(B, 1, "x"), current), set(A, 2, "x")]);
    let third = "323e4567-e89b-12d3-a456-556642440000";
    let mut changes = mixed.as_array().unwrap().clone();
    changes.push(set(third, 5, "gold"));
    assert_eq!(change(&api, json!(changes)).await.0, ["failed", "failed", "failed", "created"]);
    // Where nothing is to be deleted there is nothing to compare.
    let conditional = json!([
        with(set(A, 1, "silver"), current),
        with(delete(A, 9), "01a208e8-fe27-75de-a151-569bda83de6f")
    ]);
    assert_eq!(change(&api, conditional).await.0, ["updated", "absent"]);
}

#[tokio::test]
async fn the_catalogue_is_asked_once_for_all_that_is_given_and_not_for_what_is_so() {
    let api = Api::start().await;
    api.define(json!({ "id": 0, "name": "Tier", "valid_values": ["gold"] })).await;
    let changes: Vec<Value> =
        (0..100).map(|n| set(&A.replace("123e4567", &format!("{n:08}")), n % 20, "gold")).collect();
    api.recorder.take();
    assert_eq!(change(&api, json!(changes)).await.0, ["created"; 100]);
    let actions: Vec<_> = api.recorder.take().into_iter().map(|call| call.action).collect();
    let count = |wanted: &str| actions.iter().filter(|action| *action == wanted).count();
    // The key; all records; the catalogue; a transaction for each customer.
    assert_eq!(
        (count("GetItem"), count("BatchGetItem"), count("TransactWriteItems")),
        (1, 2, 100),
        "{actions:?}"
    );
    api.clock.advance(Duration::from_secs(30));
    assert_eq!(change(&api, json!(changes)).await.0, ["unchanged"; 100]);
    let actions: Vec<_> = api.recorder.take().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["GetItem", "BatchGetItem"]);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_a_hundred_changes_are() {
    let api = Api::start().await;
    let text = "x".repeat(1000);
    let of = |n: i32| A.replace("123e4567", &format!("{:08}", n / 25));
    let changes: Vec<Value> = (0..100)
        .map(|n| {
            let mut change = set(&of(n), n, &"v".repeat(255));
            change["description"] = json!(text);
            change["reason"] = json!(text);
            change
        })
        .collect();
    assert_eq!(change(&api, json!(changes)).await.0, ["created"; 100]);
    assert_eq!(api.items().await.len(), 200);
}
