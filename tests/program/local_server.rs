//! `cargo run`: the server, and its data file.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use rusqlite::Connection;
use serde_json::json;

use crate::running::{CATEGORIES, Running, local};

fn fails(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = local(arguments).output().unwrap();
    assert!(!status.success());
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let mut acknowledged = Vec::new();
    for life in 0..3 {
        let server = Running::start(&data);
        for n in 0..10 {
            let id = life * 10 + n;
            let (status, _) =
                server.request("POST", CATEGORIES, Some(json!({ "id": id, "value": "x" }))).await;
            assert_eq!(status, 201);
            acknowledged.push(json!(id));
        }
        let (status, _) = server.signal("-KILL");
        assert!(!status.success());

        let server = Running::start(&data);
        let (_, list) = server.request("GET", CATEGORIES, None).await;
        let ids: Vec<_> = list["categories"].as_array().unwrap().iter().map(|c| c["id"].clone()).collect();
        assert_eq!(ids, acknowledged);
        let (_, history) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;
        assert_eq!(history["history"].as_array().unwrap().len(), acknowledged.len());
    }
}

#[tokio::test]
async fn killed_amid_writes_it_has_what_it_acknowledged_and_nothing_half() {
    const WRITERS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let mut acknowledged = [1; WRITERS];
    let server = Running::start(&data);
    for id in 0..WRITERS {
        let (status, _) =
            server.request("POST", CATEGORIES, Some(json!({ "id": id, "value": "start" }))).await;
        assert_eq!(status, 201);
    }
    drop(server);
    for life in 0..3 {
        let server = Running::start(&data);
        let http = reqwest::Client::new();
        // Each writer changes a category of its own until the server no longer answers.
        let writers = (0..WRITERS).map(|id| {
            let (http, url) = (http.clone(), format!("{}{CATEGORIES}/{id}", server.url));
            tokio::spawn(async move {
                let mut done = 0;
                loop {
                    let body = json!({ "value": format!("{life}.{done}") });
                    let request = http.patch(&url).header("x-auth-roles", "API_KEY").json(&body);
                    match request.send().await {
                        Ok(answer) => assert!(answer.status().is_success(), "{answer:?}"),
                        Err(_) => return done,
                    }
                    done += 1;
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_millis(400)).await;
        let (status, _) = server.signal("-KILL");
        assert!(!status.success());
        for (id, writer) in writers.into_iter().enumerate() {
            acknowledged[id] += writer.await.unwrap();
        }

        let server = Running::start(&data);
        let (_, list) = server.request("GET", CATEGORIES, None).await;
        for (id, acknowledged) in acknowledged.iter_mut().enumerate() {
            let path = format!("{CATEGORIES}/historical?category_id={id}");
            let (_, history) = server.request("GET", &path, None).await;
            let entries = history["history"].as_array().unwrap();
            // The write that was under way may have been committed, too.
            assert!(
                (*acknowledged..=*acknowledged + 1).contains(&entries.len()),
                "{acknowledged} {entries:?}"
            );
            *acknowledged = entries.len();
            for pair in entries.windows(2) {
                assert_eq!(pair[0]["previous"]["value"], pair[1]["value"]);
            }
            assert_eq!(list["categories"][id]["value"], entries[0]["value"]);
        }
    }
}

#[tokio::test]
async fn it_logs_a_line_per_request_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(&folder.path().join("data.db"));
    let path = format!("{CATEGORIES}/7?reason=secretive");
    server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "confidential" }))).await;
    server.request("DELETE", &path, None).await;
    let (status, lines) = server.signal("-INT");
    assert!(status.success());

    let [posted, deleted] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(posted.contains(&format!("POST {CATEGORIES} 201 ")), "{posted}");
    assert!(deleted.contains(&format!("DELETE {CATEGORIES}/7 204 ")), "{deleted}");
    for line in [posted, deleted] {
        assert!(line.ends_with(" ms"), "{line}");
        for private in ["API_KEY", "confidential", "secretive"] {
            assert!(!line.contains(private), "{line}");
        }
    }
}

#[tokio::test]
async fn a_taken_port_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(&folder.path().join("data.db"));
    let port = server.url.rsplit_once(':').unwrap().1;
    for option in ["--port", "--dynamodb-port"] {
        let output = Command::new(env!("CARGO_BIN_EXE_customers-categories"))
            .args(["--in-memory", "--port", "0", "--dynamodb-port", "0"])
            .env_clear()
            .args([option, port])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert!(said.contains(&format!("port {port} on 127.0.0.1 can't be used")), "{said}");
    }
}

#[tokio::test]
async fn an_address_that_the_machine_does_not_have_is_one_clear_line() {
    // Of the range for documentation.
    let said = fails(&["--in-memory", "--dynamodb-address", "192.0.2.1"]);
    assert!(said.contains("on 192.0.2.1 can't be used"), "{said}");
}

#[tokio::test]
async fn a_data_file_in_use_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let _server = Running::start(&data);
    let said = fails(&["--data", data.to_str().unwrap()]);
    assert!(said.contains("is in use by another process"), "{said}");
}

#[test]
fn a_data_file_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    fs::write(&text, "Dear reader, this is not a database at all.".repeat(50)).unwrap();
    let foreign = folder.path().join("browser.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let missing = folder.path().join("no/such/folder/data.db");

    for (file, problem) in [
        (&text, "is not a database, or damaged"),
        (&foreign, "belongs to another program"),
        (&missing, "can't be read or written"),
    ] {
        let before = fs::read(file).ok();
        let said = fails(&["--data", file.to_str().unwrap()]);
        assert!(said.contains(problem), "{said}");
        assert_eq!(fs::read(file).ok(), before);
    }
}

/// Runs a `keys` command on a data file; returns whether it succeeded, its output and its remarks.
fn keys(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_customers-categories"))
        .args(["keys", "--data", data.to_str().unwrap()])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

const CREATE: [&str; 9] = [
    "create",
    "--name",
    "crm-backend",
    "--org",
    "telco",
    "--role",
    "categories:read",
    "--role",
    "categories:write",
];

#[tokio::test]
async fn an_operator_makes_lists_and_revokes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let (done, key, remark) = keys(&data, &[&CREATE[..], &["--expires-in", "90d"]].concat());
    assert!(done, "{remark}");
    let key = key.strip_suffix('\n').unwrap();
    assert!(key.starts_with("mcus_") && key.len() == 54, "{key}");
    assert!(!remark.contains(key));

    let server = Running::start(&data);
    let url = format!("{}{CATEGORIES}", server.url);
    let call = async || {
        let body = json!({ "id": 7, "value": "gold" });
        let request = reqwest::Client::new().post(&url).header("x-auth-roles", key).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(call().await, 201);
    assert_eq!(call().await, 409);
    let (_, history) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;
    assert_eq!(history["history"][0]["changed_by"], "crm-backend");
    let (_, lines) = server.signal("-TERM");
    assert!(!lines.concat().contains(key));

    let (_, list, _) = keys(&data, &["list"]);
    assert!(!list.contains(key));
    let line = list.lines().find(|line| line.contains("crm-backend")).unwrap();
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [name, orgs, roles, _created, expires, state, hash] = columns.as_slice() else { panic!("{line}") };
    assert_eq!(
        (*name, *orgs, *roles, *state),
        ("crm-backend", "telco", "categories:read,categories:write", "active")
    );
    assert!(expires.starts_with("20"), "{expires}");

    assert!(keys(&data, &["revoke", hash]).0);
    let (_, list, _) = keys(&data, &["list"]);
    assert!(list.lines().any(|line| line.contains("crm-backend") && line.contains("revoked")), "{list}");
    let server = Running::start(&data);
    let refused =
        reqwest::Client::new().get(format!("{}{CATEGORIES}", server.url)).header("x-auth-roles", key);
    assert_eq!(refused.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn keys_can_be_made_while_the_server_runs_and_in_a_table_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let server = Running::start(&data);
    let endpoint = &server.dynamodb_url;
    let port = endpoint.rsplit_once(':').unwrap().1;
    let (done, first, remark) = keys(&data, &[&CREATE[..], &["--dynamodb-port", port]].concat());
    assert!(done, "{remark}");

    let output = Command::new(env!("CARGO_BIN_EXE_customers-categories"))
        .args(["keys", "--table", "customers-categories-keys"])
        .args(CREATE)
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let second = String::from_utf8(output.stdout).unwrap();
    for key in [first, second] {
        let url = format!("{}{CATEGORIES}", server.url);
        let request = reqwest::Client::new().get(url).header("x-auth-roles", key.trim_end());
        assert_eq!(request.send().await.unwrap().status(), 404);
    }
}

#[test]
fn mistakes_with_keys_are_said_clearly_and_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    keys(&data, &CREATE);
    keys(&data, &CREATE);
    let (_, before, _) = keys(&data, &["list"]);

    let with =
        |name: &'static str, role: &'static str| ["create", "--name", name, "--org", "telco", "--role", role];
    for (arguments, problem) in [
        (with("x", "categories:admin").as_slice(), "must be one of categories:read, categories:write"),
        (&with("", "categories:read"), "must be 1 to 100 characters"),
        (&["create", "--name", "x", "--role", "categories:read"], "--org <ORG>|--all-orgs"),
        (&["create", "--name", "x", "--org", "a/b", "--role", "categories:read"], "must be 1 to 64 letters"),
        (&["create", "--name", "x", "--all-orgs"], "--role <ROLE>"),
        (&[&with("x", "categories:read")[..], &["--expires-in", "soon"]].concat(), "--expires-in"),
        (&[&with("x", "categories:read")[..], &["--expires-in", "9999y"]].concat(), "out of range"),
        (&["revoke", "nobody"], "no key that is not revoked has the name or hash prefix \"nobody\""),
        (&["revoke", ""], "no key that is not revoked"),
        (&["revoke", "crm-backend"], "could mean any of"),
    ] {
        let (done, output, said) = keys(&data, arguments);
        assert!(!done && output.is_empty(), "{arguments:?}");
        assert!(said.contains(problem), "{arguments:?}: {said}");
    }
    assert_eq!(keys(&data, &["list"]).1, before);
}
