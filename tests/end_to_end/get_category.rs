use crate::api::{Api, category};

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
        let changed = api.patch(&category(7), serde_json::json!({ "value": value })).await;
        let read = api.get(&category(7)).await;
        assert_eq!(read.json()["value"], value);
        assert_eq!(read.etag(), changed.etag());
    }
}
