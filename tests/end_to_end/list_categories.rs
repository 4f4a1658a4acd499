use serde_json::json;

use crate::api::{Api, CATEGORIES, category};

#[tokio::test]
async fn categories_come_in_the_order_of_their_ids() {
    let api = Api::start().await;
    for id in [10, 9, -1, i32::MAX, 0, i32::MIN, -10] {
        api.create(id, "x").await;
    }
    let list = api.get(CATEGORIES).await;
    assert_eq!(list.status, 200);
    let ids: Vec<_> =
        list.json()["categories"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [i64::from(i32::MIN), -10, -1, 0, 9, 10, i64::from(i32::MAX)]);
}

#[tokio::test]
async fn every_key_is_always_there() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    insta::assert_json_snapshot!(
        api.get(CATEGORIES).await.json(),
        { ".categories[].created_at" => "[time]", ".categories[].updated_at" => "[time]" },
        @r#"
    {
      "categories": [
        {
          "created_at": "[time]",
          "description": null,
          "id": 7,
          "reason": null,
          "updated_at": "[time]",
          "value": "gold"
        }
      ]
    }
    "#
    );
}

#[tokio::test]
async fn a_customer_never_seen_is_not_found() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let stranger = CATEGORIES.replace("123e4567", "223e4567");
    let answer = api.get(&stranger).await;
    insta::assert_json_snapshot!(answer.refused(404, "MCUS.999.997"), @r#"
    [
      "nothing is known of this customer"
    ]
    "#);
}

#[tokio::test]
async fn a_customer_without_categories_left_has_an_empty_list() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    let answer = api.get(CATEGORIES).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "categories": [] })));
}
