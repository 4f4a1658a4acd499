//! The built binary as a server, for the tests that need one.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use serde_json::Value;

use crate::limit::Limit;

pub const CATEGORIES: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";

/// The built binary, on free ports unless `arguments` say otherwise.
pub fn local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_customers-categories"));
    command.args(["--port", "0", "--dynamodb-port", "0"]).args(arguments);
    command
}

/// A server process, killed when dropped.
pub struct Running {
    process: Child,
    pub url: String,
    pub dynamodb_url: String,
    /// What it said at the start.
    pub said: Vec<String>,
    lines: BufReader<ChildStdout>,
    _limit: Limit,
}

impl Running {
    pub fn start(data: &Path) -> Self {
        Self::start_with(&["--data", data.to_str().unwrap()])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        Self::of(&mut local(arguments))
    }

    /// What a command of [`local`] starts.
    pub fn of(command: &mut Command) -> Self {
        let limit = Limit::start();
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut said = Vec::new();
        while said.last().is_none_or(|line| line != "Ctrl-C ends it") {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "{said:#?}");
            said.push(line.trim_end().to_owned());
        }
        let after = |prefix| said.iter().find_map(|line| line.strip_prefix(prefix)).unwrap().to_owned();
        let (url, dynamodb_url) = (after("listening on "), after("DynamoDB at "));
        assert!(url.starts_with("http://127.0.0."));
        Self { process, url, dynamodb_url, said, lines, _limit: limit }
    }

    pub async fn request(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
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

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal and doesn't wait for what comes of it.
    pub fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal that ends it. Returns how it ended and what it has written.
    pub fn signal(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        self.send(signal);
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

/// Host and port of a URL.
pub fn authority(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}
