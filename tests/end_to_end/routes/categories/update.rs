use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, CATEGORIES, HISTORY, category, send};

#[tokio::test]
async fn a_merge_patch_keeps_sets_and_clears() {
    let api = Api::start().await;
    let created = api.post(json!({ "id": 7, "value": "gold", "description": "d", "reason": "r" })).await;
    let patched = api.patch(&category(7), json!({ "value": "silver", "description": null })).await;
    assert_eq!((patched.status, patched.body.as_str()), (204, ""));
    assert_ne!(patched.etag(), created.etag());

    let read = api.get(&category(7)).await;
    assert_eq!(read.etag(), patched.etag());
    insta::assert_json_snapshot!(read.json(), { ".created_at" => "[time]", ".updated_at" => "[time]" }, @r#"
    {
      "created_at": "[time]",
      "description": null,
      "id": 7,
      "reason": "r",
      "updated_at": "[time]",
      "value": "silver"
    }
    "#);
    let history = api.get(HISTORY).await.json();
    insta::assert_json_snapshot!(
        history["history"][0],
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
      "reason": "r",
      "revision": "[revision]",
      "value": "silver"
    }
    "#
    );
    assert_eq!(history["history"][0]["changed_at"], read.json()["updated_at"]);
    assert!(read.json()["created_at"].as_str() <= read.json()["updated_at"].as_str());
}

#[tokio::test]
async fn a_patch_that_changes_nothing_writes_nothing() {
    let api = Api::start().await;
    let created = api.post(json!({ "id": 7, "value": "gold", "reason": "r" })).await;
    for nothing in [json!({}), json!({ "value": "gold" }), json!({ "description": null, "reason": "r" })] {
        let patched = api.patch(&category(7), nothing).await;
        assert_eq!((patched.status, patched.etag()), (204, created.etag()));
    }
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_category_is_not_found() {
    let api = Api::start().await;
    api.patch(&category(7), json!({ "value": "gold" })).await.refused(404, "MCUS.999.997");
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    api.patch(&category(7), json!({ "value": "gold" })).await.refused(404, "MCUS.999.997");
    api.patch(&category(7), json!({})).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn merge_patch_json_may_be_declared_as_such() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let request = api
        .request(Method::PATCH, &category(7))
        .header("content-type", "application/merge-patch+json")
        .body(r#"{"value":"silver"}"#);
    assert_eq!(send(request).await.status, 204);
    let request = api
        .request(Method::POST, CATEGORIES)
        .header("content-type", "application/merge-patch+json")
        .body(r#"{"id":8,"value":"silver"}"#);
    send(request).await.refused(400, "MCUS.999.998");
}

#[tokio::test]
async fn revisions_go_forward_when_the_clock_goes_back() {
    let api = Api::start().await;
    api.create(7, "0").await;
    for value in 1..5 {
        api.clock.shift_wall(-60_000);
        assert_eq!(api.patch(&category(7), json!({ "value": value.to_string() })).await.status, 204);
    }
    let history = api.get(HISTORY).await.json();
    let values: Vec<_> = history["history"].as_array().unwrap().iter().map(|e| e["value"].clone()).collect();
    assert_eq!(values, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn if_match_guards_against_overwriting_what_was_not_seen() {
    let api = Api::start().await;
    let first = api.create(7, "gold").await.etag();
    let patch = async |tags: &str, value: &str| {
        let request = api.request(Method::PATCH, &category(7)).header("if-match", tags);
        send(request.json(&json!({ "value": value }))).await
    };
    let second = patch(&first, "silver").await;
    assert_eq!(second.status, 204);
    insta::assert_json_snapshot!(patch(&first, "bronze").await.refused(412, "MCUS.999.993"), @r#"
    [
      "the current revision is not one that `If-Match` names; read again and decide again"
    ]
    "#);
    // Weak tags never match here, not even for a patch that would change nothing.
    for stale in [first.clone(), "\"other\"".into()] {
        patch(&stale, "silver").await.refused(412, "MCUS.999.993");
    }
    // Where a proxy has altered the current tag, reading again would not help.
    for (altered, instead) in [
        (format!("W/{}", second.etag()), "send it without `W/`"),
        (format!("\"{}-gzip\"", second.etag().trim_matches('"')), "send the revision alone"),
    ] {
        let details = patch(&altered, "silver").await.refused(412, "MCUS.999.993");
        assert!(details[0].ends_with(instead), "{altered}: {details:?}");
    }
    assert_eq!(patch(&format!("{first}, {}", second.etag()), "bronze").await.status, 204);
    assert_eq!(patch("*", "iron").await.status, 204);
    patch(first.trim_matches('"'), "x").await.refused(400, "MCUS.999.998");
    assert_eq!(api.get(&category(7)).await.json()["value"], "iron");
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 4);
    let missing = api.request(Method::PATCH, &category(8)).header("if-match", "*").json(&json!({}));
    send(missing).await.refused(404, "MCUS.999.997");
}
