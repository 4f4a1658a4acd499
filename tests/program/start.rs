//! What the server says when it starts, and what it has beside the API.

use reqwest::{Client, redirect::Policy};
use serde_json::Value;

use crate::{
    place::Place,
    running::{Running, local},
};

#[tokio::test]
async fn the_start_says_where_everything_is_and_all_of_it_is_there() {
    let place = Place::new();
    let server = Running::of(&mut place.command(&[]));
    let after = |prefix: &str| {
        let found = server.said.iter().find_map(|line| line.strip_prefix(prefix));
        found.unwrap_or_else(|| panic!("{prefix}: {:#?}", server.said)).to_owned()
    };
    let get = async |url: String| reqwest::get(url).await.unwrap();
    assert_eq!(get(after("reference page at ")).await.headers()["content-type"], "text/html; charset=utf-8");
    let health: Value = get(after("health at ")).await.json().await.unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(get(after("DynamoDB at ")).await.status(), 200);
    let data = std::fs::canonicalize(after("data in ")).unwrap();
    assert_eq!(data, std::fs::canonicalize(place.path("data.db")).unwrap());
    assert_eq!(server.said.last().unwrap(), "Ctrl-C ends it");

    // What is to be tried works when pasted, twice.
    for status in ["201", "409"] {
        let shell = std::process::Command::new("sh").args(["-c", &after("try: ")]).output().unwrap();
        let answer = String::from_utf8(shell.stdout).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }

    let in_memory = Running::of(&mut local(&["--in-memory"]));
    assert!(in_memory.said.contains(&"data in memory, and forgotten at the end".to_owned()));
}

#[tokio::test]
async fn a_browser_is_led_from_the_root_to_a_page_and_a_program_gets_the_envelope() {
    let server = Running::start_with(&["--in-memory"]);
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let accepting = async |accept: &str| {
        client.get(format!("{}/", server.url)).header("accept", accept).send().await.unwrap()
    };
    let browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = accepting(browsers).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/console/".parse().unwrap())
    );
    for accept in ["*/*", "application/json"] {
        let answer = accepting(accept).await;
        assert_eq!(answer.status(), 404, "{accept}");
        let envelope: Value = answer.json().await.unwrap();
        assert_eq!(envelope["errors"][0]["error"]["code"], "MCUS.999.997");
    }
    // Beside GET, both paths are the API's.
    for path in ["/", "/health"] {
        let answer = client.post(format!("{}{path}", server.url)).header("accept", browsers).send().await;
        assert_eq!(answer.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_version_says_which_commit_it_is() {
    let server = Running::start_with(&["--in-memory"]);
    let health: Value = reqwest::get(format!("{}/health", server.url)).await.unwrap().json().await.unwrap();
    let (version, built_from) = (health["version"].as_str().unwrap(), health["built_from"].as_str().unwrap());
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let commit = built_from
        .strip_prefix("commit ")
        .map(|commit| commit.len() == 12 && commit.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert!(commit.unwrap_or(built_from == "built outside git"), "{built_from}");
    let told = local(&["--version"]).output().unwrap();
    let expected = format!("customers-categories {version} ({built_from})\n");
    assert_eq!(String::from_utf8(told.stdout).unwrap(), expected);
}
