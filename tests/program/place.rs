//! A folder to work in, and what commands say there.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use customers_categories::{Data, Engine, server::engine::ANY_LOCAL_PORT};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    limit::Limit,
    running::{Running, local},
};

pub const CUSTOMER: &str = "123e4567-e89b-12d3-a456-556642440000";

pub struct Done {
    pub code: i32,
    pub output: String,
    pub remarks: String,
}

impl From<Output> for Done {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), output: text(stdout), remarks: text(stderr) }
    }
}

/// A folder with a data file in it.
pub struct Place {
    folder: TempDir,
    _limit: Limit,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), _limit: Limit::start() };
        place.make("data.db");
        place
    }

    /// Makes a data file with nothing in it: a command works on one that is there.
    pub fn make(&self, name: &str) {
        drop(Engine::start(&Data::File(self.path(name)), ANY_LOCAL_PORT, &[]).unwrap());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    pub fn serve(&self) -> Running {
        Running::start(&self.path("data.db"))
    }

    /// A command on the data file, run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = local(&["--data", "data.db"]);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    pub fn import(&self, lines: impl AsRef<[u8]>) -> Done {
        self.write("categories.jsonl", lines);
        self.run(&["import", "categories.jsonl", "--org", "telco"])
    }

    /// The rejected lines of [`Self::import`].
    pub fn rejected(&self) -> Vec<(u64, String, String)> {
        self.rejected_in("categories.rejected.jsonl")
    }

    /// The lines of a file of rejected lines: number, problems, text.
    pub fn rejected_in(&self, name: &str) -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        let mut lines: Vec<_> = text
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                let problems = line["problems"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
                let problems = problems.collect::<Vec<_>>().join("; ");
                (line["line"].as_u64().unwrap(), problems, line["text"].as_str().unwrap().to_owned())
            })
            .collect();
        lines.sort();
        lines
    }

    /// The files that were begun and have no name yet.
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
    }

    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// Holds the lock of a data file as a server does, with what the lock is to say.
    pub fn hold(&self, data: &str, says: impl Fn(&fs::Metadata) -> String) -> File {
        let path = self.write(&format!("{data}.lock"), "");
        let lock = File::options().write(true).open(path).unwrap();
        lock.lock().unwrap();
        (&lock).write_all(says(&lock.metadata().unwrap()).as_bytes()).unwrap();
        lock
    }

    pub fn export(&self, customer: &str) -> Vec<Value> {
        let done = self.run(&["customers", "export", "--org", "telco", "--customer", customer]);
        let nothing_held = done.output.is_empty() && done.remarks.starts_with("Nothing is held");
        assert_eq!(done.code, if nothing_held { 4 } else { 0 }, "{}", done.remarks);
        done.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn erase(&self, arguments: &[&str]) -> Done {
        let erase = ["customers", "erase", "--org", "telco", "--customer", CUSTOMER];
        self.run(&[&erase, arguments].concat())
    }
}

/// A command with `--table`, in an environment as for AWS, but with the server in its place.
pub fn on_aws<'a>(command: &'a mut Command, server: &Running) -> &'a mut Command {
    command
        .env("AWS_ENDPOINT_URL_DYNAMODB", &server.dynamodb_url)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
}

pub fn port(server: &Running) -> &str {
    server.dynamodb_url.rsplit_once(':').unwrap().1
}

/// Lines for this many categories of one customer.
pub fn lines(ids: std::ops::Range<usize>) -> String {
    let line = |id| json!({ "customer_id": CUSTOMER, "id": id, "value": "gold" }).to_string();
    ids.flat_map(|id| [line(id), "\n".to_owned()]).collect()
}

pub fn kinds(export: &[Value]) -> [usize; 3] {
    ["category", "deleted_category", "change"]
        .map(|kind| export.iter().filter(|line| line["kind"] == kind).count())
}

pub fn fails(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = local(arguments).output().unwrap();
    assert!(!status.success());
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}
