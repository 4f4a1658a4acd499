use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, HISTORY, category, send};

#[tokio::test]
async fn an_unknown_category_is_not_found() {
    let api = Api::start().await;
    let answer = api.get(&category(7)).await;
    assert_eq!(answer.status, 404);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "errors": [
        {
          "error": {
            "code": "MCUS.999.997",
            "details": "the customer has no such category",
            "message": "Resource not found",
            "ref": "https://docs.example/errors#MCUS.999.997",
            "title": "Resource not found"
          }
        }
      ]
    }
    "#);
    api.create(8, "gold").await;
    api.get(&category(7)).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn another_customers_or_organisations_category_is_not_found() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.get(&category(7).replace("telco", "other")).await.refused(404, "MCUS.999.997");
    api.get(&category(7).replace("123e4567", "223e4567")).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn answers_are_for_the_caller_alone() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    assert_eq!(api.get(&category(7)).await.header("cache-control"), Some("private, no-cache"));
    assert_eq!(api.get(&category(8)).await.header("cache-control"), Some("private, no-cache"));
}

#[tokio::test]
async fn a_write_is_read_at_once() {
    let api = Api::start().await;
    api.create(7, "0").await;
    for value in 1..20 {
        let value = value.to_string();
        let changed = api.patch(&category(7), json!({ "value": value })).await;
        let read = api.get(&category(7)).await;
        assert_eq!(read.json()["value"], value);
        assert_eq!(read.etag(), changed.etag());
    }
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    let api = Api::start().await;
    let tag = api.create(7, "gold").await.etag();
    let read =
        async |held: &str| send(api.request(Method::GET, &category(7)).header("if-none-match", held)).await;
    for held in [&*tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
        let answer = read(held).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.etag()), (304, "", tag.clone()), "{held}");
    }
    api.patch(&category(7), json!({ "value": "silver" })).await;
    assert_eq!(read(&tag).await.json()["value"], "silver");
    let details = read(tag.trim_matches('"')).await.refused(400, "MCUS.999.998");
    assert_eq!(details, ["`If-None-Match` must be `*` or a list of entity tags in double quotes"]);
    send(api.request(Method::GET, &category(8)).header("if-none-match", "*"))
        .await
        .refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn as_of_answers_with_the_state_at_that_moment() {
    let api = Api::start().await;
    api.post(json!({ "id": 7, "value": "gold", "reason": "r" })).await;
    let mut states = vec![api.get(&category(7)).await];
    for value in ["silver", "bronze"] {
        api.patch(&category(7), json!({ "value": value })).await;
        states.push(api.get(&category(7)).await);
    }
    api.delete(&category(7)).await;

    let at = async |moment: &str| api.get(&format!("{}?as_of={moment}", category(7))).await;
    for state in &states {
        let then = at(state.json()["updated_at"].as_str().unwrap()).await;
        assert_eq!((then.json(), then.etag()), (state.json(), state.etag()));
    }
    let history = api.get(HISTORY).await.json();
    at(history["history"][0]["changed_at"].as_str().unwrap()).await.refused(404, "MCUS.999.997");
    at("1970-01-01T00:00:00Z").await.refused(404, "MCUS.999.997");
    api.get(&format!("{}?as_of=2026-01-01T00:00:00Z", category(8))).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn as_of_is_a_moment_that_has_been() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    for (moment, problem) in [
        ("2999-01-01T00:00:00Z", "`as_of` must not be more than 5 s in the future"),
        ("yesterday", "`as_of` must be an RFC 3339 time"),
        ("2026-11-23", "`as_of` must be an RFC 3339 time"),
        ("", "`as_of` must be an RFC 3339 time"),
        ("2026-11-23T06:46:00+01:00", "(in a query, `+` is written `%2B`)"),
        ("2026-11-23T06:46:00%2B0100", "(its offset is written with a colon, such as +00:00)"),
        ("2026-11-23_06:46:00Z", "`as_of` must be an RFC 3339 time"),
        ("2026-11-23%0006:46:00Z", "`as_of` must be an RFC 3339 time"),
    ] {
        let details = api.get(&format!("{}?as_of={moment}", category(7))).await.refused(400, "MCUS.999.998");
        assert!(details[0].contains(problem), "{details:?}");
    }
}
