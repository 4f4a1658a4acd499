use serde_json::json;

use crate::api::{Api, HISTORY, category};

#[tokio::test]
async fn changes_of_all_categories_come_newest_first() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.create(-8, "risk").await;
    api.patch(&category(7), json!({ "value": "silver" })).await;
    api.delete(&category(-8)).await;
    insta::assert_json_snapshot!(
        api.get(HISTORY).await.json(),
        { ".history[].changed_at" => "[time]", ".history[].revision" => "[revision]" },
        @r#"
    {
      "history": [
        {
          "change": "deleted",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": -8,
          "previous": {
            "description": null,
            "reason": null,
            "value": "risk"
          },
          "reason": null,
          "revision": "[revision]",
          "value": null
        },
        {
          "change": "updated",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": 7,
          "previous": {
            "description": null,
            "reason": null,
            "value": "gold"
          },
          "reason": null,
          "revision": "[revision]",
          "value": "silver"
        },
        {
          "change": "created",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": -8,
          "previous": null,
          "reason": null,
          "revision": "[revision]",
          "value": "risk"
        },
        {
          "change": "created",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": 7,
          "previous": null,
          "reason": null,
          "revision": "[revision]",
          "value": "gold"
        }
      ]
    }
    "#
    );
}

#[tokio::test]
async fn each_change_starts_where_the_one_before_ended() {
    let api = Api::start().await;
    api.create(7, "0").await;
    for value in 1..10 {
        api.patch(&category(7), json!({ "value": value.to_string(), "reason": format!("r{value}") })).await;
    }
    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.len(), 10);
    for pair in entries.windows(2) {
        let state = json!({
            "value": pair[1]["value"], "description": pair[1]["description"], "reason": pair[1]["reason"],
        });
        assert_eq!(pair[0]["previous"], state);
        assert!(pair[0]["revision"].as_str() > pair[1]["revision"].as_str());
    }
}

#[tokio::test]
async fn a_customer_never_seen_is_not_found() {
    let api = Api::start().await;
    insta::assert_json_snapshot!(api.get(HISTORY).await.refused(404, "MCUS.999.997"), @r#"
    [
      "nothing is known of this customer"
    ]
    "#);
}
