//! The reference page as it is served; `tests/description/docs_page.mjs` looks at it in a browser.

use customers_categories::server::docs;
use reqwest::{Method, Response};
use shared::http::ErrorCode;

use crate::support::api::{Api, send};

async fn get(api: &Api, path: &str) -> Response {
    api.anonymous(Method::GET, path).send().await.unwrap()
}

#[tokio::test]
async fn the_page_explains_every_error_code_under_its_anchor() {
    let api = Api::start().await;
    let page = get(&api, "/docs").await.text().await.unwrap();
    for error in ErrorCode::ALL {
        let code = error.code();
        let section = page.split(&format!("<section id=\"{code}\">")).nth(1).unwrap();
        let section = section.split("</section>").next().unwrap();
        assert!(section.contains(error.title()) && section.contains(error.message()), "{section}");
        assert!(section.contains(&format!("{}", error.status().as_u16())), "{section}");
    }
}

#[tokio::test]
async fn the_page_comes_from_this_server_alone() {
    let api = Api::start().await;
    let page = get(&api, "/docs").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("http"), "{policy}");
    let page = page.text().await.unwrap();
    let mut assets = 0;
    for attribute in ["src=\"", "href=\""] {
        for target in page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            if target.starts_with('#') || target.starts_with("data:") {
                continue;
            }
            assert!(target.starts_with("/docs/"), "{target}");
            assert_eq!(get(&api, target).await.status(), 200, "{target}");
            assets += 1;
        }
    }
    assert_eq!(assets, 4);
    let description = get(&api, "/docs/openapi.yaml").await;
    assert_eq!(description.headers()["content-type"], "application/yaml");
    assert_eq!(description.text().await.unwrap(), docs::DESCRIPTION);
    assert_eq!(get(&api, "/docs/nothing").await.status(), 404);
}

#[tokio::test]
async fn beside_the_page_everything_is_the_services() {
    let api = Api::start().await;
    for (method, path) in [(Method::POST, "/docs"), (Method::GET, "/docsx"), (Method::GET, "/openapi.yaml")] {
        send(api.anonymous(method, path)).await.refused(404, "MCUS.999.997");
    }
}
