//! What is said where it can't be, and to a terminal.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    place::{CUSTOMER, Place, lines},
    running::CATEGORIES,
};

/// Runs commands whose standard output is at an end: each fails with one line.
fn fails_to_tell(command: &mut Command) -> String {
    let done =
        command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("standard output can't be written: "), "{said}");
    said
}

/// Where nothing can be written: a full disk, and a pipe whose reader has gone.
fn full_outputs() -> [Stdio; 2] {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    [full.into(), writer.into()]
}

#[test]
fn what_cant_be_told_is_a_failure_in_one_line() {
    let place = Place::new();
    place.import(lines(0..1));
    let nobody = "123e4567-e89b-12d3-a456-556642449999";
    let (erase, export) = (["customers", "erase", "--yes"], ["customers", "export"]);
    let (this, nobody) =
        (["--org", "telco", "--customer", CUSTOMER], ["--org", "telco", "--customer", nobody]);
    for command in [
        &["keys", "list"][..],
        &["import", "categories.jsonl", "--org", "telco", "--allow-erased"],
        &[&export[..], &this].concat(),
        &[&erase[..], &nobody].concat(),
        &[&erase[..], &this].concat(),
        &["--port", "0"],
    ] {
        for output in full_outputs() {
            place.run(&["import", "categories.jsonl", "--org", "telco", "--allow-erased"]);
            fails_to_tell(place.command(command).stdout(output));
        }
        // Nor does it panic where there is nobody to tell even that.
        let [output, remarks] = [full_outputs(), full_outputs()].map(|[full, _]| full);
        let status = place.command(command).stdout(output).stderr(remarks).status().unwrap();
        assert_eq!(status.code(), Some(1), "{command:?}");
    }
}

#[test]
fn a_key_that_cant_be_shown_is_revoked() {
    let place = Place::new();
    for output in full_outputs() {
        let create = ["keys", "create", "--name", "crm", "--all-orgs", "--role", "categories:read"];
        let said = fails_to_tell(place.command(&create).stdout(output));
        assert!(said.contains("so it has been revoked"), "{said}");
    }
    let list = place.run(&["keys", "list"]).output;
    let of_crm: Vec<&str> = list.lines().filter(|line| line.contains("crm")).collect();
    assert_eq!(of_crm.len(), 2, "{list}");
    assert!(of_crm.iter().all(|line| line.contains(" revoked ")), "{list}");
}

/// Characters that a terminal acts on, or that turn what follows around.
const UNPRINTABLE: &str =
    "\u{7f}\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}";

#[test]
fn what_a_terminal_would_act_on_is_escaped_in_exports_and_rejected_lines() {
    let place = Place::new();
    let value = format!("a{UNPRINTABLE}z \u{1b}[31m Zoë שלום");
    let done = place.import(json!({ "customer_id": CUSTOMER, "id": 7, "value": value }).to_string());
    assert_eq!(done.code, 0, "{}", done.remarks);
    let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
    let output = place.run(&export).output;
    let escaped = "\"a\\u007f\\u0085\\u009b\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069z \\u001b[31m \
                   Zoë שלום\"";
    assert!(output.contains(escaped), "{output}");
    assert!(place.export(CUSTOMER).iter().any(|line| line["value"] == value));

    let name = format!("old{UNPRINTABLE}crm");
    let line = json!({ "customer_id": CUSTOMER, "id": 8, "value": "x", "changed_by": name }).to_string();
    assert_eq!(place.import(&line).code, 3);
    let rejected = fs::read_to_string(place.path("categories.rejected.jsonl")).unwrap();
    assert!(rejected.is_ascii(), "{rejected}");
    let [(_, problem, text)] = place.rejected().try_into().unwrap();
    assert!(
        problem.contains("`changed_by` must be 1 to 100 characters without control characters"),
        "{problem}"
    );
    assert_eq!(text, line);
}

#[tokio::test]
async fn key_names_that_a_terminal_would_act_on_are_refused_and_old_ones_shown_escaped() {
    let place = Place::new();
    for character in UNPRINTABLE.chars() {
        let name = format!("old{character}crm");
        let create = ["keys", "create", "--all-orgs", "--role", "categories:read", "--name", &name];
        let done = place.run(&create);
        assert_eq!(done.code, 2, "{character:?}");
        assert!(done.remarks.contains("must be 1 to 100 characters"), "{}", done.remarks);
    }

    // What was made before they were refused.
    let create = ["keys", "create", "--all-orgs", "--role", "categories:write", "--name", "old-crm"];
    let made = place.run(&create);
    let key = made.output.trim_end();
    let database = rusqlite::Connection::open(place.path("data.db")).unwrap();
    let renamed = "UPDATE \"customers-categories-keys\" SET item_json = replace(item_json, 'old-crm', ?1)";
    assert_eq!(database.execute(renamed, ["old\u{202e}crm"]).unwrap(), 1);
    drop(database);

    let server = place.serve();
    let url = format!("{}{CATEGORIES}", server.url);
    let post = reqwest::Client::new().post(url).header("x-auth-roles", key);
    let answer = post.json(&json!({ "id": 7, "value": "x" })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    drop(server);
    let list = place.run(&["keys", "list"]).output;
    assert!(list.contains("old\\u{202e}crm"), "{list}");
    let done = place.run(&["keys", "revoke", "old\u{202e}crm"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert!(done.remarks.contains("Revoked the key of old\\u{202e}crm with"), "{}", done.remarks);
}
