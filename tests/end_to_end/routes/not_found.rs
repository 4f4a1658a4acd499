use reqwest::Method;

use crate::support::api::{Api, CATEGORIES, HISTORY, category, send};

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
        (Method::POST, &category(7), "GET, PATCH, DELETE"),
        (Method::PUT, &category(7), "GET, PATCH, DELETE"),
    ] {
        let answer = send(api.anonymous(method.clone(), path)).await;
        assert_eq!(answer.refused(405, "MCUS.999.992"), [format!("this resource allows {allow}")]);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let head = send(api.anonymous(Method::HEAD, CATEGORIES)).await;
    assert_eq!((head.status, head.header("allow")), (405, Some("POST, GET")));
}
