//! `cargo run`: the server's start, end, log and data file.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::json;

use crate::{
    place::fails,
    running::{CATEGORIES, Running, authority, local},
};

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
        let taken = format!("port {port} on 127.0.0.1 can't be used");
        let holder = format!("because process {}, `customers-cat", server.id());
        // Linux cuts a process's name off after 15 characters.
        assert!(said.contains(&taken) && said.contains(&holder), "{said}");
        assert!(said.contains(&format!("; `{option}` names another: Address already in use")), "{said}");
    }
}

#[tokio::test]
async fn an_address_that_the_machine_does_not_have_is_one_clear_line() {
    // Of the range for documentation.
    let said = fails(&["--in-memory", "--dynamodb-address", "192.0.2.1"]);
    assert!(said.contains("on 192.0.2.1 can't be used; `--dynamodb-address` names another"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_api_is_reached_at_the_address_that_it_is_bound_to() {
    for (address, reached) in [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1")] {
        let server = Running::start_with(&["--in-memory", "--address", address]);
        assert!(server.url.starts_with(&format!("http://{reached}:")), "{}", server.url);
        assert_eq!(server.request("GET", CATEGORIES, None).await.0, 404);
    }
    let said = fails(&["--in-memory", "--address", "192.0.2.1"]);
    assert!(said.contains("on 192.0.2.1 can't be used; `--address` names another"), "{said}");
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
