//! How a request is found.

use lambda_http::Context;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::Operation;
use uuid::Uuid;

use super::panics;
use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category, send},
    logs::line as line_of,
};

#[tokio::test]
async fn a_request_is_found_by_its_id() {
    let api = Api::start().await;
    let with = async |operation: Operation, key: &str, id: &str| {
        let path = match operation {
            Operation::CreateCategory | Operation::ListCategories => CATEGORIES.to_owned(),
            Operation::ListCategoryHistory => HISTORY.to_owned(),
            _ => category(7),
        };
        let request = api.anonymous(operation.method(), &path).header("x-auth-roles", key);
        send(request.header("X-Request-Id", id).body(r#"{"id":7,"value":"gold"}"#)).await
    };
    for operation in Operation::ALL {
        for key in ["API_KEY", "unknown"] {
            let id = format!("{}/{key}:+=@.-_", Uuid::new_v4());
            let answer = with(operation, key, &id).await;
            assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
            assert_eq!(line_of(&answer)["gateway_request_id"], answer.header("apigw-requestid").unwrap());
        }
    }
    let longest = "x".repeat(96) + &Uuid::new_v4().simple().to_string();
    assert_eq!(
        with(Operation::GetCategory, "API_KEY", &longest).await.header("x-request-id"),
        Some(longest.as_str())
    );
    for insane in ["", " ", "two words", "a,b", "\"quoted\"", "<script>", "caf\u{e9}", &"x".repeat(129)] {
        let answer = with(Operation::GetCategory, "API_KEY", insane).await;
        assert_eq!(answer.header("x-request-id"), answer.header("apigw-requestid"), "{insane}");
    }
    let answer = send(api.request(Method::PUT, "/nowhere").header("X-Request-Id", "nowhere-1")).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (404, Some("nowhere-1")));

    let id = Uuid::new_v4().to_string();
    let mut event: Value =
        serde_json::from_str(include_str!("../../../../events/create-category.json")).unwrap();
    event["headers"]["x-request-id"] = json!(id);
    let answer = panics(&api, &event, Context::default()).await;
    assert_eq!(json!([answer["statusCode"], answer["headers"]["x-request-id"]]), json!([500, id]));
}

#[tokio::test]
async fn an_event_whose_own_id_is_no_identifier_gets_one() {
    let api = Api::start().await;
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    let mut event: Value =
        serde_json::from_str(include_str!("../../../../events/create-category.json")).unwrap();
    for id in [json!("two words"), json!(""), Value::Null, json!("x".repeat(129))] {
        event["requestContext"]["requestId"] = id.clone();
        let answer = functions["create-category"](event.to_string(), Context::default()).await.unwrap();
        let answered = answer.headers["x-request-id"].to_str().unwrap();
        assert!(!answered.is_empty() && id.as_str() != Some(answered), "{answered}");
        assert!(Uuid::parse_str(answered).is_ok(), "{answered}");
    }
}
