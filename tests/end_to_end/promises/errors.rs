//! The error table, row by row. 400 has a file of its own.

use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::server::gateway;
use lambda_http::Context;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::{ErrorCode, Operation};

use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category, send},
    documentation::read,
    proxy::{Fault, Proxy},
};

/// One request per operation, all of them well-formed.
fn every_operation() -> [(Method, String); 7] {
    [
        (Method::POST, CATEGORIES.into()),
        (Method::GET, CATEGORIES.into()),
        (Method::GET, category(7)),
        (Method::PUT, category(7)),
        (Method::PATCH, category(7)),
        (Method::DELETE, category(7)),
        (Method::GET, HISTORY.into()),
    ]
}

fn body(method: &Method) -> &'static str {
    match *method {
        Method::POST => r#"{"id":7,"value":"gold"}"#,
        Method::PUT | Method::PATCH => r#"{"value":"gold"}"#,
        _ => "",
    }
}

#[test]
fn codes_are_distinct_and_titled_as_the_contract_has_them() {
    let table: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|error| (error.status().as_u16(), error.code(), error.title(), error.message()))
        .collect();
    assert_eq!(
        table,
        [
            (400, "MCUS.999.998", "Bad request", "Bad request"),
            (401, "MCUS.999.996", "Unauthorized", "Unauthorized"),
            (403, "MCUS.999.995", "Forbidden", "Forbidden"),
            (404, "MCUS.999.997", "Resource not found", "Resource not found"),
            (405, "MCUS.999.992", "Method not allowed", "Method not allowed"),
            (409, "MCUS.999.994", "Conflict", "The resource already exists"),
            (409, "MCUS.999.991", "Category in use", "Category in use"),
            (412, "MCUS.999.993", "Precondition failed", "Precondition failed"),
            (500, "MCUS.999.999", "Unexpected error", "Unexpected error"),
            (503, "MCUS.001.005", "Database error", "Connection lost"),
            (504, "MCUS.001.009", "Database error", "Statement timeout"),
        ]
    );
}

#[tokio::test]
async fn without_a_database_every_operation_is_unavailable() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    // Every function knows the key by then, so it is the operation itself that fails.
    for (method, path) in every_operation() {
        send(api.request(method.clone(), &path).body(body(&method))).await;
    }
    proxy.close();
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        assert_eq!(
            answer.refused(503, "MCUS.001.005"),
            ["the database can't be reached or is overloaded; try again"],
            "{method} {path}"
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[tokio::test]
async fn a_database_that_says_nothing_is_a_timeout() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    proxy.break_all(Fault::Silence);
    let answer = api.get(CATEGORIES).await;
    assert_eq!(answer.refused(504, "MCUS.001.009"), ["the database did not answer in time; try again"]);
}

#[tokio::test]
async fn a_missing_table_is_unexpected_and_says_nothing_of_it() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.client.delete_table().table_name(&api.tables.categories).send().await.unwrap();
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        assert_eq!(answer.refused(500, "MCUS.999.999"), ["the failure has been logged"], "{method} {path}");
    }
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_never_skipped() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.create(8, "silver").await;
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        let broken = broken.item("revision", AttributeValue::S("not a revision".into()));
        broken.send().await.unwrap();
    }
    for (method, path) in every_operation() {
        let answer = send(api.request(method.clone(), &path).body(body(&method))).await;
        answer.refused(500, "MCUS.999.999");
    }
    assert_eq!(api.post(json!({ "id": 9, "value": "x" })).await.status, 201);
}

/// The sample event of a function, with parts of it replaced.
fn event(function: &str, parts: &[(&str, Value)]) -> String {
    let mut event: Value = serde_json::from_str(&read(&format!("events/{function}.json"))).unwrap();
    for (part, value) in parts {
        let (parent, name) = part.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    event.to_string()
}

/// API Gateway hands a query on as the caller wrote it. No URL could be made of it, which is the caller's business
/// once the caller is known.
#[tokio::test]
async fn a_query_that_is_none_is_refused_after_the_key() {
    let api = Api::start().await;
    let functions = gateway::functions(|function| api.app(function));
    for operation in Operation::ALL {
        let function = operation.function();
        for query in ["reason=\"x\"", "reason=a b", "<script>", "limit=1#top", "from=gr\u{f6}\u{df}e", "\n"] {
            for (key, status) in [("API_KEY", 400), ("unknown", 401)] {
                let parts = [("/rawQueryString", query.into()), ("/headers/x-auth-roles", key.into())];
                let answer = functions[function](event(function, &parts), Context::default()).await.unwrap();
                assert_eq!(answer.status_code, status, "{function} {query}");
                let body = String::from_utf8(answer.body.unwrap().to_vec()).unwrap();
                assert_eq!(body.contains("must be percent-encoded UTF-8"), status == 400, "{body}");
            }
        }
    }
}

/// API Gateway has chosen the API by it, and nothing else needs it.
#[tokio::test]
async fn a_host_that_is_none_does_not_matter() {
    let api = Api::start().await;
    let functions = gateway::functions(|function| api.app(function));
    for host in ["localhost:x", "999.1.1.1", "%31", "gr\u{f6}\u{df}e.example", "a b", ""] {
        let parts = [("/headers/host", host.into()), ("/requestContext/domainName", host.into())];
        for (function, status) in [("list-categories", 404), ("not-found", 404)] {
            let answer = functions[function](event(function, &parts), Context::default()).await.unwrap();
            assert_eq!(answer.status_code, status, "{function} {host}");
        }
    }
}

/// API Gateway decodes a path, so it can hold anything.
#[tokio::test]
async fn a_decoded_path_is_the_path() {
    let api = Api::start().await;
    let not_found = gateway::functions(|function| api.app(function)).remove("not-found").unwrap();
    for (end, status) in [
        ("/7", 405),
        ("/a b", 405),
        ("/a?b", 405),
        ("/a#b", 405),
        ("/100%", 405),
        ("/gr\u{f6}\u{df}e", 405),
        ("/7/8", 404),
        ("/", 404),
    ] {
        let path = format!("{CATEGORIES}{end}");
        let parts = [
            ("/rawPath", path.clone().into()),
            ("/requestContext/http/path", path.into()),
            ("/requestContext/http/method", "OPTIONS".into()),
        ];
        let answer = not_found(event("not-found.method", &parts), Context::default()).await.unwrap();
        assert_eq!(answer.status_code, status, "{end}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_the_base64_it_should_be_is_refused_after_the_key() {
    let api = Api::start().await;
    let functions = gateway::functions(|function| api.app(function));
    for (key, status) in [("API_KEY", 400), ("unknown", 401)] {
        let parts = [
            ("/body", "{}".into()),
            ("/isBase64Encoded", true.into()),
            ("/headers/x-auth-roles", key.into()),
        ];
        let answer =
            functions["create-category"](event("create-category", &parts), Context::default()).await.unwrap();
        assert_eq!(answer.status_code, status);
    }
}
