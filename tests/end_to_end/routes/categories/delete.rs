use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, HISTORY, category, send};

#[tokio::test]
async fn the_history_says_what_was_there_and_why_it_went() {
    let api = Api::start().await;
    api.post(json!({ "id": 7, "value": "gold", "description": "d", "reason": "r" })).await;
    let deleted = api.delete(&format!("{}?reason=left%20us%20%2B%20moved", category(7))).await;
    assert_eq!((deleted.status, deleted.body.as_str(), deleted.header("etag")), (204, "", None));
    api.get(&category(7)).await.refused(404, "MCUS.999.997");
    insta::assert_json_snapshot!(
        api.get(HISTORY).await.json()["history"][0],
        { ".changed_at" => "[time]", ".revision" => "[revision]" },
        @r#"
    {
      "change": "deleted",
      "changed_at": "[time]",
      "changed_by": "API_KEY",
      "description": null,
      "id": 7,
      "previous": {
        "description": "d",
        "reason": "r",
        "value": "gold"
      },
      "reason": "left us + moved",
      "revision": "[revision]",
      "value": null
    }
    "#
    );
}

#[tokio::test]
async fn a_reason_is_optional_and_capped() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let long = format!("{}?reason={}", category(7), "x".repeat(1001));
    insta::assert_json_snapshot!(api.delete(&long).await.refused(400, "MCUS.999.998"), @r#"
    [
      "`reason` must have at most 1000 characters, but has 1001"
    ]
    "#);
    assert_eq!(api.delete(&category(7)).await.status, 204);
    assert_eq!(api.get(HISTORY).await.json()["history"][0]["reason"], json!(null));
}

#[tokio::test]
async fn an_unknown_category_is_not_found() {
    let api = Api::start().await;
    api.delete(&category(7)).await.refused(404, "MCUS.999.997");
    api.create(7, "gold").await;
    assert_eq!(api.delete(&category(7)).await.status, 204);
    api.delete(&category(7)).await.refused(404, "MCUS.999.997");
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn if_match_guards_against_deleting_what_was_not_seen() {
    let api = Api::start().await;
    let first = api.create(7, "gold").await.etag();
    let second = api.patch(&category(7), json!({ "value": "silver" })).await.etag();
    let delete =
        async |tags: &str| send(api.request(Method::DELETE, &category(7)).header("if-match", tags)).await;
    delete(&first).await.refused(412, "MCUS.999.993");
    delete(&format!("W/{second}")).await.refused(412, "MCUS.999.993");
    assert_eq!(api.get(&category(7)).await.status, 200);
    assert_eq!(delete(&second).await.status, 204);
    delete(&second).await.refused(404, "MCUS.999.997");
}
