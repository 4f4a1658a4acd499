//! The local server's own binary, which brings the engine and fills it through the API.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The customer with one category, that of the sample events.
pub const CUSTOMER: &str = "123e4567-e89b-12d3-a456-556642440000";

/// Where the server keeps its data.
#[derive(Debug)]
pub enum Data {
    Memory,
    File(PathBuf),
}

/// A running server, killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    pub url: String,
    pub dynamodb_url: String,
    pub http: Client,
}

impl Server {
    pub fn start(binary: &Path, data: &Data) -> Self {
        let mut command = Command::new(binary);
        command.args(["--port", "0", "--dynamodb-port", "0"]).stdout(Stdio::piped());
        match data {
            Data::Memory => command.arg("--in-memory"),
            Data::File(path) => command.arg("--data").arg(path),
        };
        let mut process = command.spawn().expect("the local server starts");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut after = |prefix: &str| {
            lines.by_ref().find_map(|line| line.strip_prefix(prefix).map(ToOwned::to_owned)).unwrap()
        };
        let (url, dynamodb_url) = (after("listening on "), after("DynamoDB at "));
        // The log is read to its end: a server whose output nobody reads stops once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url, dynamodb_url, http: Client::new() }
    }

    pub fn categories(&self, customer: &str) -> String {
        format!("{}/v4/orgs/telco/customers/{customer}/categories", self.url)
    }

    /// Creates the category that `events/get-category.json` asks for.
    pub async fn populate(&self) {
        let body = json!({ "id": 214_748_364, "value": "influencer", "description": "Bill discount" });
        self.create(CUSTOMER, &body).await;
    }

    pub async fn create(&self, customer: &str, body: &Value) {
        self.post(&self.categories(customer), body).await;
    }

    pub async fn define(&self, org: &str, body: &Value) {
        self.post(&format!("{}/v4/orgs/{org}/categories", self.url), body).await;
    }

    async fn post(&self, url: &str, body: &Value) {
        let request = self.http.post(url).header("x-auth-roles", "API_KEY").json(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 201, "{body}: {:?}", answer.text().await);
    }

    /// A request to DynamoDB, past the service.
    pub fn dynamodb(&self, operation: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(&self.dynamodb_url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20261123T064600Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20261123/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=0",
            )
            .body(body.to_string())
    }

    /// Memory in use, in KB.
    pub fn resident(&self) -> u64 {
        status(self.process.id(), "VmRSS")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A figure of `/proc/PID/status`, in KB.
pub fn status(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap()
}
