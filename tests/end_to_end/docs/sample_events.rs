//! Every file in `events/` fed to its function as Lambda would.

use std::{collections::BTreeSet, fs, path::PathBuf};

use customers_categories::server::gateway;
use lambda_http::Context;
use serde_json::Value;

use crate::support::{api::Api, description, documentation::section};

fn events() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"))
}

/// The table of `events/README.md`: event, status.
fn table() -> Vec<(String, u16)> {
    let section = section("events/README.md", "Sample events");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        (cells[0].trim_matches('`').to_owned(), cells[2].parse().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn they_are_answered_as_their_table_says() {
    let api = Api::start().await;
    let functions = gateway::functions(|function| api.app(function));
    for (file, status) in table() {
        let event = fs::read_to_string(events().join(&file)).unwrap();
        let function = file.split('.').next().unwrap();
        let answer = functions[function](event.clone(), Context::default()).await.unwrap();
        assert_eq!(answer.status_code, i64::from(status), "{file}: {:?}", answer.body);
        let sent: Value = serde_json::from_str(&event).unwrap();
        let http = &sent["requestContext"]["http"];
        let (method, path) = (http["method"].as_str().unwrap(), http["path"].as_str().unwrap());
        let body = answer.body.as_deref().unwrap_or_default();
        let body = std::str::from_utf8(body).unwrap();
        description::check(&method.parse().unwrap(), path, status, &answer.headers, body);
    }
}

#[test]
fn each_is_in_the_table_and_each_function_has_one() {
    let files = |folder: &str| -> BTreeSet<String> {
        let path = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
        fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let described: BTreeSet<String> = table().into_iter().map(|(file, _)| file).collect();
    let mut replayed = files("events");
    for other in ["categories.jsonl", "env.local.json", "README.md"] {
        assert!(replayed.remove(other), "{other}");
    }
    assert_eq!(replayed, described);
    for function in files("functions").iter().filter(|name| *name != "local") {
        assert!(described.contains(&format!("{function}.json")), "{function}");
    }
}
