//! `cargo run` as its user sees it: the real binary, its output, its exit codes, its data file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use rusqlite::Connection;
use serde_json::{Value, json};

const CATEGORIES: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";

fn local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(["--port", "0", "--dynamodb-port", "0"]).args(arguments);
    command
}

fn fails(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = local(arguments).output().unwrap();
    assert!(!status.success());
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// A server process, killed when dropped.
struct Running {
    process: Child,
    url: String,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut process = local(&["--data", data.to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        lines.read_line(&mut ready).unwrap();
        let url = ready.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"));
        Self { process, url, lines }
    }

    async fn request(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let request = reqwest::Client::new().request(method.parse().unwrap(), url);
        let request = request.header("x-auth-roles", "API_KEY");
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    fn signal(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = self.process.wait().unwrap();
        let lines = (&mut self.lines).lines().map(Result::unwrap).collect();
        (status, lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _reaped_already = self.process.wait();
    }
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
async fn it_logs_a_line_per_request_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let server = Running::start(&folder.path().join("data.db"));
    let path = format!("{CATEGORIES}/7?reason=secretive");
    server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "confidential" }))).await;
    server.request("DELETE", &path, None).await;
    let (status, lines) = server.signal("-INT");
    assert!(status.success());

    let [hint, posted, deleted] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(hint.starts_with("curl -i http://127.0.0.1:"), "{hint}");
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
        let output = Command::new(env!("CARGO_BIN_EXE_local"))
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
