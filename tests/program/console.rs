//! The console as it is served and exported; `tests/description/console_*.mjs` look at it in a browser.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use reqwest::{Client, Response, redirect};
use serde_json::json;

use crate::{
    place::Place,
    running::{CATEGORIES, Running, local},
};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("console")
}

/// All files of a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

async fn get(server: &Running, path: &str, accept: &str) -> Response {
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    client.get(format!("{}{path}", server.url)).header("accept", accept).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// The directives of a content security policy.
fn directives(policy: &str) -> BTreeMap<&str, &str> {
    policy.split(';').map(|directive| directive.trim().split_once(' ').unwrap()).collect()
}

fn meta<'a>(page: &'a str, start: &str) -> &'a str {
    let rest = page.split_once(start).unwrap().1;
    rest.split_once("content=\"").unwrap().1.split_once('"').unwrap().0
}

#[tokio::test]
async fn every_file_is_served_under_a_policy_that_lets_nothing_else_in() {
    let server = Running::of(&mut local(&["--in-memory"]));
    let mut files = files(&source());
    files.insert(String::new(), files["index.html"].clone());
    files.remove("index.html");
    assert!(files.len() > 20);
    for (name, content) in files {
        let response = get(&server, &format!("/console/{name}"), "*/*").await;
        assert_eq!(response.status(), 200, "{name}");
        let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            None if name.is_empty() => "text/html",
            _ => "text/plain",
        };
        assert!(header(&response, "content-type").starts_with(kind), "{name}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        let policy = header(&response, "content-security-policy").to_owned();
        let policy = directives(&policy);
        for (directive, allowed) in [
            ("default-src", "'none'"),
            ("script-src", "'self'"),
            ("style-src", "'self'"),
            ("connect-src", "'self'"),
            ("base-uri", "'none'"),
            ("form-action", "'none'"),
            ("frame-ancestors", "'none'"),
            ("require-trusted-types-for", "'script'"),
            ("trusted-types", "lit-html"),
        ] {
            assert_eq!(policy[directive], allowed, "{directive}");
        }
        if name.is_empty() {
            let page = response.text().await.unwrap();
            assert_eq!([meta(&page, "\"api\""), meta(&page, "\"key\"")], ["", "API_KEY"]);
            assert!(!page.contains("{{"), "{page}");
        } else {
            assert!(response.bytes().await.unwrap() == content, "{name} is not as it is in the folder");
        }
    }
    for path in ["/console/nothing.js", "/console/../Cargo.toml", "/console/views"] {
        assert_eq!(get(&server, path, "*/*").await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn browsers_are_led_to_it_and_programs_are_not() {
    let server = Running::of(&mut local(&["--in-memory"]));
    for path in ["/", "/console"] {
        let response = get(&server, path, "text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!((response.status().as_u16(), header(&response, "location")), (303, "/console/"), "{path}");
    }
    assert_eq!(get(&server, "/", "*/*").await.status(), 404);
    assert_eq!(get(&server, "/consoles", "text/html").await.status(), 404);
    let (status, _) = server.request("POST", "/console/", Some(json!({}))).await;
    assert_eq!(status, 404);
}

#[test]
fn the_export_has_the_same_files_and_talks_to_the_api_alone() {
    let place = Place::new();
    let done = place.run(&["console", "export", "out/console", "--api", "https://api.example.com/prod/"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert!(done.output.ends_with("files in out/console\n"), "{}", done.output);
    assert!(done.remarks.contains("https://api.example.com/prod has to admit"), "{}", done.remarks);
    let mut exported = files(&place.path("out/console"));
    let mut source = files(&source());
    let page = String::from_utf8(exported.remove("index.html").unwrap()).unwrap();
    source.remove("index.html");
    assert!(exported.keys().eq(source.keys()), "{:?}", exported.keys());
    for (name, content) in source {
        assert!(exported[&name] == content, "{name} is not as it is in the folder");
    }
    assert_eq!([meta(&page, "\"api\""), meta(&page, "\"key\"")], ["https://api.example.com/prod", ""]);
    let policy = directives(meta(&page, "Content-Security-Policy"));
    assert_eq!([policy["connect-src"], policy["script-src"]], ["https://api.example.com", "'self'"]);
}

#[test]
fn an_export_replaces_nothing_and_takes_a_url_alone() {
    let place = Place::new();
    let export = |folder: &str, api: &str| place.run(&["console", "export", folder, "--api", api]);
    place.write("file", "mine");
    assert_eq!(export(".", "https://api.example.com").code, 1);
    let done = export("file", "https://api.example.com");
    assert_eq!(done.code, 1);
    assert!(done.remarks.contains("file can't be written"), "{}", done.remarks);
    assert_eq!(fs::read(place.path("file")).unwrap(), b"mine");
    for api in [
        "",
        "api.example.com",
        "/v4",
        "ftp://x",
        "https://x?y=1",
        "https://x#y",
        "https://u@x",
        "https://x\"y",
    ] {
        let done = export("new", api);
        assert_eq!(done.code, 2, "{api}");
        assert!(done.remarks.contains("must be an http or https URL"), "{}", done.remarks);
    }
    assert!(!place.path("new").exists());
}

#[tokio::test]
async fn a_page_that_the_operator_admits_may_use_the_api_and_others_may_not() {
    let page = "https://console.example.com";
    let options = ["--in-memory", "--allow-origin", page, "--allow-origin", "http://127.0.0.1:4000"];
    let server = Running::of(&mut local(&options));
    let client = Client::new();
    let ask = |url: &str, origin: &str| {
        let request = client.request("OPTIONS".parse().unwrap(), format!("{url}{CATEGORIES}"));
        let request = request.header("access-control-request-method", "PATCH").header("origin", origin);
        request.header("access-control-request-headers", "if-match,x-auth-roles").send()
    };
    let answer = ask(&server.url, page).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), page);
    for (name, expected) in [
        ("access-control-allow-methods", "PATCH"),
        ("access-control-allow-headers", "if-match"),
        ("access-control-allow-headers", "x-auth-roles"),
        ("access-control-allow-headers", "idempotency-key"),
    ] {
        assert!(header(&answer, name).split(',').any(|one| one == expected), "{name}");
    }
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    for (url, origin) in
        [(&server.url, "https://example.com"), (&server.url, "null"), (&server.dynamodb_url, page)]
    {
        let answer = ask(url, origin).await.unwrap();
        assert_eq!(answer.status(), 403, "{url} {origin}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }

    let give = |origin: &str| {
        let request = client.post(format!("{}{CATEGORIES}", server.url)).header("x-auth-roles", "API_KEY");
        request.header("origin", origin).json(&json!({ "id": 7, "value": "gold" })).send()
    };
    assert_eq!(give("https://example.com").await.unwrap().status(), 403);
    let answer = give(page).await.unwrap();
    assert_eq!((answer.status().as_u16(), header(&answer, "access-control-allow-origin")), (201, page));
    let exposed = header(&answer, "access-control-expose-headers");
    for name in ["etag", "location", "retry-after", "x-request-id"] {
        assert!(exposed.split(',').any(|one| one == name), "{name}");
    }
    let refused = give("http://127.0.0.1:4000").await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), header(&refused, "access-control-allow-origin")),
        (409, "http://127.0.0.1:4000")
    );
}

#[test]
fn an_origin_has_scheme_and_host_alone() {
    for origin in ["console.example.com", "https://x/", "https://x/y", "null", "*", "ftp://x", "https://u@x"]
    {
        let output = local(&["--in-memory", "--allow-origin", origin]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{origin}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("must be scheme and host alone"), "{said}");
    }
}
