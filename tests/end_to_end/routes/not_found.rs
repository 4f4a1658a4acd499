use reqwest::Method;

use crate::support::api::{Api, BATCH, CATEGORIES, HISTORY, category, send};

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let api = Api::start().await;
    for path in ["/", "/v4", "/v4/orgs/telco", &format!("{CATEGORIES}/"), &format!("{CATEGORIES}/7/8")] {
        let answer = send(api.anonymous(Method::GET, path)).await;
        assert_eq!(answer.refused(404, "MCUS.999.997"), ["there is no such resource"], "{path}");
    }
}

#[tokio::test]
async fn known_paths_name_the_methods_that_they_allow() {
    let api = Api::start().await;
    for (method, path, allow) in [
        (Method::PUT, CATEGORIES, "POST, GET"),
        (Method::DELETE, CATEGORIES, "POST, GET"),
        (Method::OPTIONS, CATEGORIES, "POST, GET"),
        (Method::POST, HISTORY, "GET"),
        (Method::POST, &category(7), "GET, PUT, PATCH, DELETE"),
        (Method::OPTIONS, &category(7), "GET, PUT, PATCH, DELETE"),
        (Method::GET, BATCH, "POST"),
    ] {
        let answer = send(api.anonymous(method.clone(), path)).await;
        assert_eq!(answer.refused(405, "MCUS.999.992"), [format!("this resource allows {allow}")]);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let head = send(api.anonymous(Method::HEAD, CATEGORIES)).await;
    assert_eq!((head.status, head.header("allow")), (405, Some("POST, GET")));
}

/// As an HTTP API hands them over.
#[tokio::test]
async fn paths_are_decoded_before_they_are_looked_at() {
    let api = Api::start().await;
    for (end, allow) in [
        ("%2F7", Some("GET, PUT, PATCH, DELETE")),
        ("/a%20b", Some("GET, PUT, PATCH, DELETE")),
        ("/a%3Fb%23c", Some("GET, PUT, PATCH, DELETE")),
        ("/100%25", Some("GET, PUT, PATCH, DELETE")),
        ("/gr%C3%B6%C3%9Fe", Some("GET, PUT, PATCH, DELETE")),
        ("/7%2F8", None),
    ] {
        let answer = send(api.request(Method::POST, &format!("{CATEGORIES}{end}"))).await;
        assert_eq!(answer.header("allow"), allow, "{end}");
        assert_eq!(answer.status, if allow.is_some() { 405 } else { 404 }, "{end}");
    }
}
