//! A contestant's process under an emulated Runtime API, and what it costs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use emulator::{Call, Database, Invocation, RuntimeApi};
use nix::{time::ClockId, unistd::Pid};
use serde_json::Value;
use tempfile::TempDir;

use crate::{built::Contestant, cores, server};

/// After which a contestant counts as broken.
const TABLE_READY_TIMEOUT: Duration = Duration::from_mins(1);

/// What a request took.
#[derive(Debug)]
pub struct Request {
    /// From the event to the answer.
    pub took: Duration,
    /// The same without DynamoDB's time, where no two calls were under way at once.
    pub overhead: Duration,
    /// The overhead from the event until the first of several calls was answered: here, the key's
    /// look-up, with reading the event.
    pub key_look_up: Option<Duration>,
    pub calls: Vec<Call>,
}

impl Request {
    pub fn operations(&self) -> Vec<String> {
        self.calls.iter().map(|call| call.operation.clone()).collect()
    }
}

/// How many calls waited for another one's answer: the longest chain in which each began when the one before had ended.
pub fn in_a_row<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    let mut depths: Vec<(Instant, usize)> = Vec::new();
    for call in calls {
        let began = call.answered.checked_sub(call.took).unwrap();
        let before = depths.iter().filter(|(answered, _)| *answered <= began);
        depths.push((call.answered, 1 + before.map(|(_, depth)| *depth).max().unwrap_or(0)));
    }
    depths.into_iter().map(|(_, depth)| depth).max().unwrap_or(0)
}

/// A running process, killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    runtime_api: RuntimeApi,
    /// From the start of the process until it asked for its first event, without DynamoDB's time.
    pub init: Duration,
    /// Connections to DynamoDB so far.
    pub connections: usize,
    pub database_bytes: usize,
}

/// Root certificates for everyone: each contestant loads as many as where it is deployed, and the
/// database's.
#[derive(Debug)]
pub struct Roots {
    directory: TempDir,
}

impl Roots {
    pub fn new(database: &Database, python: Option<&Path>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let amazon = crate::built::root().join("shared/src/store/amazon-roots.pem");
        let platform = PathBuf::from("/etc/ssl/certs/ca-certificates.crt");
        let files = [("ours", Some(amazon.as_path())), ("platform", Some(&platform)), ("python", python)];
        for (name, file) in files {
            let roots = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
            fs::write(directory.path().join(name), roots + database.root()).unwrap();
        }
        fs::write(directory.path().join("node"), database.root()).unwrap();
        Self { directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn give(&self, command: &mut Command, contestant: &str) {
        match contestant {
            name if name.starts_with("Node") => command.env("NODE_EXTRA_CA_CERTS", self.file("node")),
            name if name.starts_with("Python") => command.env("AWS_CA_BUNDLE", self.file("python")),
            "SDK defaults" => command.env("SSL_CERT_FILE", self.file("platform")),
            _ => command.env("AWS_CA_BUNDLE", self.file("ours")).env("GLIBC_TUNABLES", glibc_tunables()),
        };
    }
}

/// As the template sets them.
fn glibc_tunables() -> String {
    let template = fs::read_to_string(crate::built::root().join("template.yaml")).unwrap();
    let line = template.lines().find_map(|line| line.trim().strip_prefix("GLIBC_TUNABLES: "));
    line.expect("the template tunes the allocator").to_owned()
}

impl Process {
    /// Starts a contestant and waits until it asks for its first event.
    pub async fn start(contestant: &Contestant, database: &Database, roots: &Roots) -> Self {
        Self::start_with(contestant, database, roots, |_| {}).await
    }

    pub async fn start_with(
        contestant: &Contestant,
        database: &Database,
        roots: &Roots,
        also: impl FnOnce(&mut Command),
    ) -> Self {
        let runtime_api = RuntimeApi::start().await;
        let mut command = Command::new(&contestant.program);
        command
            .args(&contestant.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "x")
            .env("AWS_ENDPOINT_URL_DYNAMODB", database.url())
            .env("PLAIN_DYNAMODB", database.plain_address())
            .env("CATEGORIES_TABLE", "customers-categories")
            .env("KEYS_TABLE", "customers-categories-keys")
            .env("NODE_NO_WARNINGS", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        roots.give(&mut command, &contestant.name);
        also(&mut command);
        database.served();
        let (started, child) = cores::spawn(&mut command);
        let asked = tokio::time::timeout(TABLE_READY_TIMEOUT, runtime_api.asked()).await;
        let served = database.served();
        let init = (asked.expect("a contestant starts") - started).saturating_sub(served.took());
        Self { child, runtime_api, init, connections: served.connections, database_bytes: 0 }
    }

    pub async fn invoke(&mut self, event: &Value, database: &Database) -> (Request, Value) {
        let invoked = async {
            let invocation = self.runtime_api.invoke(event).await;
            // What it still does before it waits again is this request's.
            self.runtime_api.asked().await;
            invocation
        };
        let invoked = tokio::time::timeout(TABLE_READY_TIMEOUT, invoked).await;
        let Invocation { answer, handed, took } = invoked.expect("a contestant answers");
        let served = database.served();
        self.connections += served.connections;
        self.database_bytes = served.bytes();
        let key_look_up = match served.calls.as_slice() {
            [look_up, _, ..] => Some((look_up.answered - handed).saturating_sub(look_up.took)),
            _ => None,
        };
        let request =
            Request { took, overhead: took.saturating_sub(served.took()), key_look_up, calls: served.calls };
        (request, answer)
    }

    /// As [`Process::invoke`], for an event that must be answered 200.
    pub async fn succeed(&mut self, event: &Value, database: &Database) -> Request {
        let (request, answer) = self.invoke(event, database).await;
        assert_eq!(answer["statusCode"], 200, "{answer}");
        request
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time so far, of all its threads.
    pub fn cpu(&self) -> Duration {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let clock = ClockId::pid_cpu_clock_id(process).unwrap();
        Duration::from(clock.now().unwrap())
    }

    /// Peak of the memory in use, in KB.
    pub fn peak(&self) -> u64 {
        server::status(self.child.id(), "VmHWM")
    }

    /// Memory in use, in KB.
    pub fn resident(&self) -> u64 {
        server::status(self.child.id(), "VmRSS")
    }

    /// Ends the process by SIGTERM and returns what it said to standard error.
    pub fn terminate(mut self) -> String {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGTERM).unwrap();
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut errors, &mut said).unwrap();
        }
        said
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
