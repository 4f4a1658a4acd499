//! Whom the local ports refuse.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;

use crate::running::{CATEGORIES, Running, authority, local};

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
