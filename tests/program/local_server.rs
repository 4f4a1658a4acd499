//! `cargo run`: the server, and its data file.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Output},
    thread,
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
        (&["revoke", "crm-backend"], "could mean any of"),
    ] {
        let (done, output, said) = keys(&data, arguments);
        assert!(!done && output.is_empty(), "{arguments:?}");
        assert!(said.contains(problem), "{arguments:?}: {said}");
    }
    assert_eq!(keys(&data, &["list"]).1, before);
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

/// Sends a request with the headers that it takes on either port and these; returns the whole answer.
fn answer(url: &str, request_line: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(authority(url)).unwrap();
    let usual = "X-Auth-Roles: API_KEY\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
                 Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n\
                 Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=x\r\nConnection: close\r\n";
    let body = if request_line.starts_with("POST") { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
    write!(socket, "{request_line} HTTP/1.1\r\n{usual}{headers}{body}").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// The status of an answer that refuses or grants nothing to a page of another server.
fn status(answer: &str) -> u16 {
    assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// What a caller of each port sends: its URL, and the line of a request that is answered with 200.
fn ports(server: &Running) -> [(&str, &'static str); 2] {
    [(&server.url, "GET /docs"), (&server.dynamodb_url, "POST /")]
}

#[tokio::test]
async fn pages_of_other_servers_are_refused_on_both_ports() {
    let server = Running::of(&mut local(&["--in-memory"]));
    for (url, request) in ports(&server) {
        let own = format!("Host: {}\r\n", authority(url));
        assert_eq!(status(&answer(url, request, &own)), 200, "{url}");
        for origin in [
            "http://127.0.0.1:9999",
            "http://localhost:3000",
            "https://example.com",
            "http://127.0.0.1",
            &format!("https://{}", authority(url)),
            &format!("http://{}, http://example.com", authority(url)),
            "null",
            "",
        ] {
            let refused = answer(url, request, &format!("{own}Origin: {origin}\r\n"));
            assert_eq!(status(&refused), 403, "{url} {origin}");
            assert!(refused.contains("no page of another server"), "{refused}");
            let preflight = format!(
                "{own}Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Headers: x-amz-target\r\nAccess-Control-Request-Private-Network: true\r\n"
            );
            assert_eq!(status(&answer(url, "OPTIONS /", &preflight)), 403, "{url} {origin}");
        }
        let two = format!("{own}Origin: {url}\r\nOrigin: http://example.com\r\n");
        assert_eq!(status(&answer(url, request, &two)), 403, "{url}");
    }
    // The API's own pages have its own origin; the DynamoDB port has none.
    for ((url, request), expected) in ports(&server).into_iter().zip([200, 403]) {
        let own = format!("Host: {}\r\nOrigin: {url}\r\n", authority(url));
        assert_eq!(status(&answer(url, request, &own)), expected, "{url}");
    }
}

#[tokio::test]
async fn names_that_only_lead_here_are_refused_on_both_ports() {
    let server = Running::of(&mut local(&["--in-memory"]));
    for (url, request) in ports(&server) {
        let port = url.rsplit_once(':').unwrap().1;
        for host in ["127.0.0.1", "localhost:1", "LocalHost", "[::1]:65535", &format!("localhost:{port}")] {
            assert_eq!(status(&answer(url, request, &format!("Host: {host}\r\n"))), 200, "{url} {host}");
        }
        for host in [
            &format!("rebind.example:{port}"),
            "127.0.0.1.rebind.example",
            "localhost.rebind.example",
            "rebind.localhost",
            "localhost.",
            "127.0.0.2",
            "0.0.0.0",
            "[::]",
            "host.docker.internal:8000",
            "rebind.example@localhost",
            "localhost@rebind.example",
            "localhost/",
            "localhost:x",
            "localhost, rebind.example",
            "",
        ] {
            let refused = answer(url, request, &format!("Host: {host}\r\n"));
            assert_eq!(status(&refused), 403, "{url} {host}");
            assert!(refused.contains("--allow-host NAME"), "{refused}");
            // It is a page of that name that would ask so.
            let page = format!("Host: {host}\r\nOrigin: http://{host}\r\n");
            assert_eq!(status(&answer(url, request, &page)), 403, "{url} {host}");
        }
        assert_eq!(status(&answer(url, request, "")), 403, "{url}");
        assert_eq!(
            status(&answer(url, request, "Host: localhost\r\nHost: rebind.example\r\n")),
            403,
            "{url}"
        );
        let (method, path) = request.split_once(' ').unwrap();
        let absolute = format!("{method} http://rebind.example:{port}{path}");
        assert_eq!(status(&answer(url, &absolute, "Host: localhost\r\n")), 403, "{url}");
    }
}

#[tokio::test]
async fn a_name_that_the_operator_allows_is_answered_on_both_ports() {
    let options = ["--in-memory", "--allow-host", "host.docker.internal", "--allow-host", "192.0.2.7"];
    let by_option = Running::of(&mut local(&options));
    let variable = "host.docker.internal,192.0.2.7";
    let by_variable = Running::of(local(&["--in-memory"]).env("LOCAL_ALLOW_HOST", variable));
    for server in [&by_option, &by_variable] {
        for (url, request) in ports(server) {
            for (host, expected) in [
                ("host.docker.internal:8000", 200),
                ("192.0.2.7", 200),
                ("localhost", 200),
                ("docker.internal", 403),
            ] {
                let found = status(&answer(url, request, &format!("Host: {host}\r\n")));
                assert_eq!(found, expected, "{url} {host}");
            }
        }
    }
    for name in ["http://x", "x:80", "*", ""] {
        let output = local(&["--in-memory", "--allow-host", name]).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("must be a name or an address"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_address_that_the_engine_is_bound_to_is_a_name_of_its_own() {
    let server = Running::of(&mut local(&["--in-memory", "--dynamodb-address", "127.0.0.2"]));
    let [(api, docs), (dynamodb, list)] = ports(&server);
    assert!(dynamodb.starts_with("http://127.0.0.2:"));
    assert_eq!(status(&answer(dynamodb, list, "Host: 127.0.0.2\r\n")), 200);
    assert_eq!(status(&answer(api, docs, "Host: 127.0.0.2\r\n")), 403);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_listens_but_the_two_guarded_ports() {
    let server = Running::of(&mut local(&["--in-memory"]));
    let (status, _) = server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "x" }))).await;
    assert_eq!(status, 201);
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{}/fd", server.id()))
        .unwrap()
        .filter_map(|file| fs::read_link(file.unwrap().path()).ok()?.to_str().map(ToOwned::to_owned))
        .collect();
    let mut listening = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{}/net/{table}", server.id())).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            // Local address in hex, the state of a listener, and the socket's inode.
            if columns[3] == "0A" && sockets.contains(&format!("socket:[{}]", columns[9])) {
                let port = columns[1].rsplit_once(':').unwrap().1;
                listening.insert(u16::from_str_radix(port, 16).unwrap());
            }
        }
    }
    let expected = ports(&server).map(|(url, _)| url.rsplit_once(':').unwrap().1.parse().unwrap());
    assert_eq!(listening, expected.into());
}

/// A connection with half a request on it, whose body the server waits for.
fn half_a_request(url: &str) -> TcpStream {
    let mut socket = TcpStream::connect(authority(url)).unwrap();
    let head =
        "Host: localhost\r\nX-Auth-Roles: API_KEY\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{";
    write!(socket, "POST {CATEGORIES} HTTP/1.1\r\n{head}").unwrap();
    let mut interim = [0; 12];
    socket.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100");
    socket
}

#[test]
fn half_a_request_keeps_the_server_from_ending_for_no_longer_than_the_grace_period() {
    let ends = |signal: &'static str| {
        thread::spawn(move || {
            let server = Running::of(&mut local(&["--in-memory"]));
            let _halves = [half_a_request(&server.url), half_a_request(&server.dynamodb_url)];
            let (status, lines) = server.signal(signal);
            assert!(status.success());
            assert!(lines.concat().contains("still under way after 10 s were cut off"), "{lines:#?}");
        })
    };
    for ending in ["-TERM", "-INT"].map(ends) {
        ending.join().unwrap();
    }
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    for [first, second] in [["-TERM", "-INT"], ["-INT", "-INT"], ["-INT", "-TERM"]] {
        let server = Running::of(&mut local(&["--in-memory"]));
        let _half = half_a_request(&server.url);
        server.send(first);
        // It takes no more connections once it has the first signal.
        while TcpStream::connect(authority(&server.url)).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        let (status, lines) = server.signal(second);
        assert!(status.success());
        assert!(lines.concat().contains("ended at once by a second signal"), "{lines:#?}");
    }
}
