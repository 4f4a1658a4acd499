//! The runbook's commands for tonight, as they stand, with the local server in AWS's place.

use std::{io::Write, process::Stdio};

use serde_json::json;

use crate::{
    place::{CUSTOMER, Done, Place, on_aws},
    running::CATEGORIES,
};

/// What stands in the place of what is not tried: it does nothing. `cargo run --` is the program.
const STUBS: &str = "set -euo pipefail\n\
    aws() { :; }\ngit() { :; }\nsam() { :; }\n\
    cargo() { shift 2; \"$PROGRAM\" \"$@\"; }\n";

/// The commands under the heading, block by block.
fn commands() -> Vec<String> {
    let (_, section) = include_str!("../../docs/runbook.md").split_once("\n## For tonight\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix('\n')).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn what_the_runbook_says_for_tonight_works() {
    let place = Place::new();
    let create = ["keys", "create", "--name", "crm-backend", "--org", "telco", "--role", "categories:write"];
    let leaked = place.run(&create).output;
    let server = place.serve();
    server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "gold" }))).await;
    let (_, before) = server.request("GET", &format!("{CATEGORIES}/7"), None).await;
    let as_of = before["updated_at"].as_str().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let patch = reqwest::Client::new().patch(format!("{}{CATEGORIES}/7", server.url));
    let patch = patch.header("x-auth-roles", leaked.trim_end()).json(&json!({ "value": "wrong" }));
    assert_eq!(patch.send().await.unwrap().status(), 204);

    let mut said = Vec::new();
    for block in commands() {
        let block = block
            .replace("RESTORED-TABLE-NAME", "customers-categories")
            .replace("CATEGORIES-TABLE-NAME", "customers-categories")
            .replace("KEYS-TABLE-NAME", "customers-categories-keys")
            .replace("2026-11-26T08:00:00Z", as_of);
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &format!("{STUBS}{block}")]).current_dir(place.path(""));
        shell.env("PROGRAM", env!("CARGO_BIN_EXE_customers-categories"));
        let shell = on_aws(&mut shell, &server).stdin(Stdio::piped());
        let mut shell = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // What the operator pastes. Most commands don't ask for it.
        let _unread = shell.stdin.take().unwrap().write_all(leaked.as_bytes());
        let done = Done::from(shell.wait_with_output().unwrap());
        assert_eq!(done.code, 0, "{block}{}", done.remarks);
        said.push(done.output + &done.remarks);
    }
    let said = said.concat();
    for told in [
        "Revoked the key of crm-backend",
        "1 would be restored",
        "1 restored, 0 as they were already, 0 left alone",
        "0 restored, 1 as they were already, 0 left alone",
        "0 imported, 3 there already, 0 rejected",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let (_, after) = server.request("GET", &format!("{CATEGORIES}/7"), None).await;
    assert_eq!(after["value"], "gold");
}

/// What the block about a customer who was erased promises, with two tables.
#[tokio::test]
async fn a_customer_who_was_erased_comes_back_with_their_history() {
    let place = Place::new();
    let server = place.serve();
    server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "gold" }))).await;
    server.request("PATCH", &format!("{CATEGORIES}/7"), Some(json!({ "value": "silver" }))).await;
    let (_, before) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;
    // As a table of an earlier moment.
    assert_eq!(place.run(&["backup", "restored.db"]).code, 0);
    assert_eq!(place.erase(&["--yes"]).code, 0);
    let customer = ["--org", "telco", "--customer", CUSTOMER];
    let export =
        [&["customers", "export", "--output", "held.jsonl", "--data", "restored.db"], &customer[..]].concat();
    assert_eq!(place.run(&export).code, 0);
    let import = ["import", "held.jsonl", "--org", "telco", "--with-history"];
    let done = place.run(&import);
    assert_eq!(
        (done.code, done.output.as_str()),
        (3, "0 imported, 0 there already, 2 rejected, 1 other lines of an export left out\n")
    );
    let done = place.run(&[&import[..], &["--allow-erased"]].concat());
    assert_eq!(done.code, 0, "{} {:?}", done.remarks, place.rejected_in("held.rejected.jsonl"));
    let (_, after) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;
    assert_eq!(after, before);
}
