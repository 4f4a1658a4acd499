//! What a request has is understood, or refused by name: nothing is dropped or altered in silence.

use reqwest::Method;
use serde_json::json;

use crate::support::api::{Api, BATCH, CATEGORIES, HISTORY, category, send};

#[tokio::test]
async fn a_body_where_none_belongs_is_refused_with_what_to_send_instead() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    for (method, path, instead) in [
        (Method::GET, CATEGORIES.to_owned(), "parameters go into the query"),
        (Method::GET, category(7), "parameters go into the query"),
        (Method::GET, HISTORY.to_owned(), "parameters go into the query"),
        (Method::DELETE, category(7), "a reason goes into the query, as `?reason=`"),
    ] {
        let request = api.request(method.clone(), &path).json(&json!({ "reason": "left" }));
        let details = send(request).await.refused(400, "MCUS.999.998");
        assert_eq!(details, [format!("`body` must not be sent: {instead}")], "{method} {path}");
    }
    assert_eq!(api.get(&category(7)).await.status, 200);
}

#[tokio::test]
async fn a_coding_that_would_not_be_undone_is_refused() {
    let api = Api::start().await;
    for coding in ["gzip", "br", "identity"] {
        let request = api.request(Method::POST, CATEGORIES).header("content-encoding", coding);
        let details =
            send(request.json(&json!({ "id": 7, "value": "gold" }))).await.refused(400, "MCUS.999.998");
        assert!(details[0].starts_with("`Content-Encoding` must not be sent"), "{details:?}");
    }
    api.get(&category(7)).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn a_condition_that_would_not_be_checked_is_refused() {
    let api = Api::start().await;
    let etag = api.create(7, "gold").await.etag();
    for (method, path, header, value) in [
        (Method::POST, CATEGORIES.to_owned(), "If-Match", etag.as_str()),
        (Method::POST, CATEGORIES.to_owned(), "If-None-Match", "*"),
        (Method::GET, category(7), "If-Match", &etag),
        (Method::GET, CATEGORIES.to_owned(), "If-None-Match", &etag),
        (Method::PATCH, category(7), "If-None-Match", "*"),
        (Method::POST, BATCH.to_owned(), "If-Match", &etag),
        (Method::POST, BATCH.to_owned(), "If-None-Match", "*"),
        (Method::PUT, category(7), "If-None-Match", &etag),
        (Method::PUT, category(7), "If-Unmodified-Since", "Mon, 23 Nov 2026 06:46:00 GMT"),
        (Method::PATCH, category(7), "If-Unmodified-Since", "Mon, 23 Nov 2026 06:46:00 GMT"),
        (Method::DELETE, category(7), "If-Unmodified-Since", "Mon, 23 Nov 2026 06:46:00 GMT"),
        (Method::POST, CATEGORIES.to_owned(), "X-HTTP-Method-Override", "PATCH"),
    ] {
        let request = api.request(method.clone(), &path).header(header, value);
        let request = match method {
            Method::POST => request.json(&json!({ "id": 8, "value": "gold" })),
            Method::PUT | Method::PATCH => request.json(&json!({ "value": "silver" })),
            _ => request,
        };
        let details = send(request).await.refused(400, "MCUS.999.998");
        assert!(details[0].starts_with(&format!("`{header}` ")), "{method} {path}: {details:?}");
    }
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_utf_8_is_refused_and_never_stored_with_replacements() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    for query in ["reason=caf%E9", "reason=%C3%28", "reason=%F0%9F", "reason=100%"] {
        let details = api.delete(&format!("{}?{query}", category(7))).await.refused(400, "MCUS.999.998");
        assert_eq!(details, ["`reason` must be percent-encoded UTF-8"], "{query}");
    }
    let deleted = api.delete(&format!("{}?reason=caf%C3%A9+%2B", category(7))).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(api.get(HISTORY).await.json()["history"][0]["reason"], "caf\u{e9} +");
}
