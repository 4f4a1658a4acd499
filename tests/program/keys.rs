//! `keys`: making, listing and revoking API keys.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    place::{Done, Place},
    running::{CATEGORIES, Running},
};

/// Runs a `keys` command on a data file; returns whether it succeeded, its output and its remarks.
fn keys(data: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_customers-categories"))
        .args(["keys", "--create-data", "--data", data.to_str().unwrap()])
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

#[tokio::test]
async fn a_key_from_the_start_that_was_revoked_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data.db");
    let status_of = async |key: &'static str| {
        let server = Running::start(&data);
        let request = reqwest::Client::new().get(format!("{}{CATEGORIES}", server.url));
        request.header("x-auth-roles", key).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status_of("API_KEY").await, 404);
    let (done, _, said) = keys(&data, &["revoke", "API_KEY"]);
    assert!(done, "{said}");
    for _ in 0..2 {
        assert_eq!(status_of("API_KEY").await, 401);
        assert_eq!(status_of("READ_ONLY").await, 404);
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
        (&["revoke"], "<NAME-OR-HASH-PREFIX|--key-stdin>"),
        (&["revoke", "x", "--key-stdin"], "cannot be used with"),
        (&[&with("x", "categories:read")[..], &["--expires-in", "0d"]].concat(), "expires at once"),
        (&["revoke", "crm-backend"], "could mean any of"),
    ] {
        let (done, output, said) = keys(&data, arguments);
        assert!(!done && output.is_empty(), "{arguments:?}");
        assert!(said.contains(problem), "{arguments:?}: {said}");
    }
    assert_eq!(keys(&data, &["list"]).1, before);
}

/// Runs `keys revoke --key-stdin` with this on standard input.
fn revoke_read(place: &Place, input: &[u8]) -> Done {
    let mut revoke = place.command(&["keys", "revoke", "--key-stdin"]);
    let revoke = revoke.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut revoke = revoke.spawn().unwrap();
    revoke.stdin.take().unwrap().write_all(input).unwrap();
    revoke.wait_with_output().unwrap().into()
}

/// Name, state, and whether there is a time of revocation, of each key in `keys list --json`.
fn listed(place: &Place) -> Vec<(String, String, bool)> {
    let done = place.run(&["keys", "list", "--json"]);
    assert_eq!((done.code, done.remarks.as_str()), (0, ""));
    let keys = done.output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    keys.map(|key| {
        let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let all = ["created_at", "expires_at", "hash", "name", "orgs", "revoked_at", "roles", "state"];
        let mut sorted = members.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, all);
        assert_eq!(key["hash"].as_str().unwrap().len(), 64);
        let text = |member: &str| key[member].as_str().unwrap().to_owned();
        (text("name"), text("state"), key["revoked_at"].is_string())
    })
    .collect()
}

#[test]
fn a_leaked_key_is_revoked_by_itself() {
    let place = Place::new();
    let create = |name| {
        place.run(&["keys", "create", "--name", name, "--org", "telco", "--role", "categories:read"]).output
    };
    let [leaked, other] = ["crm", "crm"].map(create);
    assert_eq!(
        listed(&place),
        [("crm".into(), "active".into(), false), ("crm".into(), "active".into(), false)]
    );

    let shortened = &leaked.trim_end()[..53];
    for wrong in [shortened, "", "crm", &"x".repeat(10_000)] {
        let done = revoke_read(&place, wrong.as_bytes());
        assert_eq!((done.code, done.output.as_str()), (1, ""));
        assert!(done.remarks.contains("standard input is no key that is in the table"), "{}", done.remarks);
        assert!(!done.remarks.contains(shortened), "{}", done.remarks);
    }
    let done = revoke_read(&place, format!("  {leaked}\n").as_bytes());
    assert_eq!((done.code, done.output.as_str()), (0, ""), "{}", done.remarks);
    assert!(done.remarks.starts_with("Revoked the key of crm with the hash"), "{}", done.remarks);
    assert!(done.remarks.contains("take it for 30 seconds more"), "{}", done.remarks);
    assert_eq!(revoke_read(&place, leaked.as_bytes()).code, 1);
    let mut states: Vec<_> = listed(&place).into_iter().map(|(_, state, revoked)| (state, revoked)).collect();
    states.sort();
    assert_eq!(states, [("active".to_owned(), false), ("revoked".to_owned(), true)]);
    assert_eq!(revoke_read(&place, other.as_bytes()).code, 0);
}
