//! The operator's commands on categories.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::running::{CATEGORIES, Running, local};
use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::{
    Data, Engine,
    server::{self, engine::ANY_LOCAL_PORT, identity},
};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use tempfile::TempDir;

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
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
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
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
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
    fn unfinished(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
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
        assert_eq!(done.code, 0, "{}", done.remarks);
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

fn port(server: &Running) -> &str {
    server.dynamodb_url.rsplit_once(':').unwrap().1
}

/// Lines for this many categories of one customer.
fn lines(ids: std::ops::Range<usize>) -> String {
    let line = |id| json!({ "customer_id": CUSTOMER, "id": id, "value": "gold" }).to_string();
    ids.flat_map(|id| [line(id), "\n".to_owned()]).collect()
}

fn kinds(export: &[Value]) -> [usize; 3] {
    ["category", "deleted_category", "change"]
        .map(|kind| export.iter().filter(|line| line["kind"] == kind).count())
}

/// Lines of an import, and what is wrong with each; nothing, where that is empty.
fn lines_and_problems() -> [(Vec<u8>, &'static str); 23] {
    let line = |rest: &str| format!(r#"{{"customer_id": "{CUSTOMER}", {rest}}}"#);
    let over_long = line(&format!(r#""id": 90, "value": "{}""#, "x".repeat(64 * 1024)));
    [
        (
            line(r#""id": 1, "value": "gold", "changed_at": "2019-05-01T10:00:00Z", "changed_by": "crm""#)
                .into(),
            "",
        ),
        (
            line(r#""id": 1, "value": "gold", "changed_at": "2019-05-01T10:00:00Z", "changed_by": "crm""#)
                .into(),
            "",
        ),
        (line(r#""id": 1, "value": "silver""#).into(), "the customer has this category with other content"),
        ("".into(), ""),
        (" \t".into(), ""),
        (line(r#""id": 2, "value": null, "description": "\"quoted\", \\ and \u0007""#).into(), ""),
        (line(r#""id": 91"#).into(), "`value` is required"),
        (
            r#"{"customer_id": 7, "id": "91", "value": 1, "note": ""}"#.into(),
            "`customer_id` must be a string; `id` must be an integer from -2147483648 to 2147483647; \
             `value` must be a string or null; `note` is not known",
        ),
        (line(r#""id": 91, "id": 92, "value": "a""#).into(), "`id` appears more than once"),
        (line(r#""id": 91, "value": "\ud800""#).into(), "`value` must be a string without lone surrogates"),
        (line(r#""id": 91, "value": "\u0000""#).into(), "`value` must not contain NUL (U+0000)"),
        (
            line(r#""id": 91, "value": "a", "changed_at": "2019""#).into(),
            "`changed_at` must be an RFC 3339 time",
        ),
        (
            line(r#""id": 91, "value": "a", "changed_at": "2999-01-01T00:00:00Z""#).into(),
            "must not be in the future",
        ),
        (
            line(r#""id": 91, "value": "a", "changed_at": "1900-01-01T00:00:00Z""#).into(),
            "must be after 1970",
        ),
        (
            line(r#""id": 91, "value": "a", "changed_by": " x""#).into(),
            "`changed_by` must be 1 to 100 characters",
        ),
        (br#"["123e4567-e89b-12d3-a456-556642440000", 91, "a"]"#.into(), "the line must be a JSON object"),
        (b"null".into(), "the line must be a JSON object"),
        (b"{\"customer_id\": \"\xff\xfe".into(), "the line is not UTF-8 from byte 17 on"),
        ("\u{feff}{}".into(), "the line must not start with a byte order mark"),
        ("[".repeat(60_000).into(), "the line must be a JSON object"),
        (over_long.clone().into(), "the line must have at most 65536 bytes"),
        (line(r#""id": 3, "value": "gold""#).into(), ""),
        // The last line, cut off.
        (
            format!(r#"{{"customer_id": "{CUSTOMER}", "id": 4, "val"#).into(),
            "the line is not one JSON document",
        ),
    ]
}

#[tokio::test]
async fn an_import_takes_lines_over_and_says_what_is_wrong_with_the_others() {
    let place = Place::new();
    let cases = lines_and_problems();
    for (start, end) in [("", "\n"), ("\u{feff}", "\r\n")] {
        let texts: Vec<_> = cases.iter().map(|(text, _)| text.as_slice()).collect();
        let file = [start.as_bytes(), &texts.join(end.as_bytes())].concat();
        let done = place.import(file);
        assert_eq!(done.code, 3, "{}", done.remarks);
        assert_eq!(done.remarks, "categories.rejected.jsonl says which lines were rejected, and why.\n");
        let rejected = place.rejected();
        let mut rejected = rejected.iter();
        for (number, (text, expected)) in (1..).zip(&cases) {
            if expected.is_empty() {
                continue;
            }
            let (line, problems, shown) = rejected.next().unwrap();
            assert_eq!(*line, number);
            assert!(problems.contains(expected), "{problems}");
            assert!(String::from_utf8_lossy(text).starts_with(shown.trim_end()), "{shown}");
            assert!(shown.len() <= 64 * 1024);
        }
        assert_eq!(rejected.next(), None);
        let expected =
            if start.is_empty() { "3 imported, 1 there already" } else { "0 imported, 4 there already" };
        assert_eq!(done.output, format!("{expected}, 17 rejected\n"));
    }

    let export = place.export(CUSTOMER);
    assert_eq!(kinds(&export), [3, 0, 3]);
    assert_eq!(
        (&export[0]["created_at"], &export[0]["value"]),
        (&json!("2019-05-01T10:00:00.000Z"), &json!("gold"))
    );
    assert_eq!(export[1]["description"], "\"quoted\", \\ and \u{7}");
    let by: Vec<_> = export[3..].iter().map(|change| change["changed_by"].as_str().unwrap()).collect();
    assert_eq!((by[0], by[1]), ("crm", "import"));
}

#[test]
fn an_import_without_a_fault_leaves_no_file_behind() {
    let place = Place::new();
    let done = place.import("{}");
    assert_eq!((done.code, done.output.as_str()), (3, "0 imported, 0 there already, 1 rejected\n"));
    let file = place.path("categories.rejected.jsonl");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let done = place.import(lines(0..3));
    assert_eq!((done.code, done.remarks.as_str()), (0, ""));
    assert_eq!(done.output, "3 imported, 0 there already, 0 rejected\n");
    assert!(!file.exists());
}

#[test]
fn mistakes_with_an_import_are_one_line_and_write_nothing() {
    let place = Place::new();
    let file = place.write("categories.jsonl", lines(0..3));
    let import = |arguments: &[&str]| place.run(&[&["import", "--org", "telco"], arguments].concat());
    for (arguments, code, problem) in [
        (["missing.jsonl"].as_slice(), 1, "missing.jsonl can't be read"),
        (&["."], 1, ". can't be read"),
        (&["categories.jsonl", "--rejected", "./categories.jsonl"], 1, "can't take both the lines and those"),
        (&["categories.jsonl", "--rejected", "no/such/folder"], 1, "no/such/folder can't be written"),
        (&["categories.jsonl", "--changed-by", ""], 2, "must be 1 to 100 characters"),
        (&["categories.jsonl", "--concurrency", "0"], 2, "0 is not in 1..=1000"),
    ] {
        let done = import(arguments);
        assert_eq!((done.code, done.output.as_str()), (code, ""), "{arguments:?} {}", done.remarks);
        assert!(done.remarks.contains(problem), "{arguments:?}: {}", done.remarks);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), lines(0..3));
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);
}

#[test]
fn an_import_that_can_not_go_on_says_where_it_stopped() {
    let place = Place::new();
    let server = place.serve();
    place.write("categories.jsonl", lines(0..1));
    let import = ["import", "categories.jsonl", "--org", "telco", "--table", "no-such-table"];
    let done = Done::from(on_aws(&mut place.command(&import), &server).output().unwrap());
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(
        done.remarks.starts_with("error: the import stopped at line 1; run it again"),
        "{}",
        done.remarks
    );
    assert_eq!(done.remarks.lines().count(), 1, "{}", done.remarks);
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_when_run_again() {
    let place = Place::new();
    let server = place.serve();
    let mut import = place
        .command(&["import", "-", "--org", "telco", "--dynamodb-port", port(&server)])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for more, so whenever it is killed it is in the middle.
    let mut input = import.stdin.take().unwrap();
    input.write_all(lines(0..200).as_bytes()).unwrap();
    input.flush().unwrap();
    while server.request("GET", CATEGORIES, None).await.0 == 404 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    import.kill().unwrap();
    import.wait().unwrap();
    server.signal("-TERM");

    // Likewise where the import has the data file to itself.
    for _ in 0..2 {
        let mut import =
            place.command(&["import", "-", "--org", "telco"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = import.stdin.take().unwrap();
        input.write_all(lines(100..300).as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        import.kill().unwrap();
        import.wait().unwrap();
    }

    let done = place.import(lines(0..300));
    assert_eq!(done.code, 0, "{}", done.remarks);
    let numbers = done.output.split(|c: char| !c.is_ascii_digit());
    let counted: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
    assert_eq!(counted[0] + counted[1], 300, "{}", done.output);
    assert!(counted[1] > 0, "what was done before is there already: {}", done.output);
    let export = place.export(CUSTOMER);
    assert_eq!(kinds(&export), [300, 0, 300]);
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory() {
    let place = Place::new();
    let server = place.serve();
    let mut import = place
        .command(&["import", "-", "--org", "telco", "--dynamodb-port", port(&server)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..256 {
        input.write_all(&megabyte).unwrap();
    }
    input.write_all(format!("\n{}", lines(0..1)).as_bytes()).unwrap();
    while server.request("GET", CATEGORIES, None).await.0 == 404 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", import.id())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 128 * 1024, "{peak}");
    drop(input);
    let mut said = String::new();
    import.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(import.wait().unwrap().code(), Some(3));
    assert_eq!(said, "1 imported, 0 there already, 1 rejected\n");
}

#[tokio::test]
async fn all_that_is_held_on_a_customer_is_exported() {
    let place = Place::new();
    let server = place.serve();
    let body = json!({ "id": 7, "value": "gold", "description": "Zürich \"8001\"" });
    server.request("POST", CATEGORIES, Some(body)).await;
    server.request("PATCH", &format!("{CATEGORIES}/7"), Some(json!({ "value": null }))).await;
    server.request("POST", CATEGORIES, Some(json!({ "id": 8, "value": "risk" }))).await;
    server.request("DELETE", &format!("{CATEGORIES}/8?reason=Moved"), None).await;
    let stranger = CATEGORIES.replace("123e4567", "223e4567");
    server.request("POST", &stranger, Some(json!({ "id": 9, "value": "not theirs" }))).await;
    let (_, history) = server.request("GET", &format!("{CATEGORIES}/historical"), None).await;

    let export =
        ["customers", "export", "--org", "telco", "--customer", CUSTOMER, "--dynamodb-port", port(&server)];
    let done = place.run(&export);
    assert_eq!((done.code, done.remarks.as_str()), (0, ""));
    let exported: Vec<Value> = done.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds(&exported), [1, 1, 4]);
    assert_eq!(exported[0]["description"], "Zürich \"8001\"");
    assert_eq!(exported[1]["deleted_at"], history["history"][0]["changed_at"]);
    for (line, entry) in exported[2..].iter().rev().zip(history["history"].as_array().unwrap()) {
        let mut line = line.clone();
        let members = line.as_object_mut().unwrap();
        for own in ["kind", "org_id", "customer_id"] {
            members.remove(own).unwrap();
        }
        assert_eq!(line, *entry);
    }

    // In a table by name, into a file that only its owner reads and that no other export replaces.
    let to_file = || {
        let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
        let export = [&export[..], &["--table", "customers-categories", "--output", "held.jsonl"]].concat();
        on_aws(&mut place.command(&export), &server).output().unwrap()
    };
    assert!(to_file().status.success());
    assert_eq!(fs::read_to_string(place.path("held.jsonl")).unwrap(), done.output);
    assert_eq!(fs::metadata(place.path("held.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Done::from(to_file());
    assert_eq!(again.code, 1);
    assert!(again.remarks.contains("held.jsonl can't be written"), "{}", again.remarks);
}

#[test]
fn an_erasure_without_anybody_to_ask_is_refused() {
    let place = Place::new();
    place.import(lines(0..3));
    let done = place.erase(&[]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert_eq!(done.remarks, "error: nobody is there to be asked; `--yes` erases without asking\n");
    assert_eq!(kinds(&place.export(CUSTOMER)), [3, 0, 3]);

    let done = place.erase(&["--yes"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert_eq!(
        done.output,
        format!(
            "erased of customer {CUSTOMER} of telco: 3 categories, 0 tombstones of deleted ones, 3 changes\n"
        )
    );
    let done = place.erase(&["--yes"]);
    assert_eq!((done.code, done.output), (0, format!("nothing is held on customer {CUSTOMER} of telco\n")));
    let done = place.run(&["customers", "export", "--org", "telco", "--customer", CUSTOMER]);
    assert_eq!((done.code, done.output.as_str()), (0, ""));
    assert_eq!(done.remarks, format!("Nothing is held on customer {CUSTOMER} of telco.\n"));
}

#[test]
fn an_import_rejects_who_was_erased_unless_told_otherwise() {
    let place = Place::new();
    place.import(lines(0..2));
    assert_eq!(place.erase(&["--yes"]).code, 0);
    let stranger = lines(0..1).replace("123e4567", "223e4567");
    let done = place.import(lines(0..3) + &stranger);
    assert_eq!((done.code, done.output.as_str()), (3, "1 imported, 0 there already, 3 rejected\n"));
    for (_, problem, _) in place.rejected() {
        assert!(problem.starts_with("the customer was erased at 2"), "{problem}");
        assert!(problem.contains("`--allow-erased`"), "{problem}");
    }
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);

    let done = place.run(&["import", "categories.jsonl", "--org", "telco", "--allow-erased"]);
    assert_eq!((done.code, done.output.as_str()), (0, "3 imported, 1 there already, 0 rejected\n"));
    assert_eq!(kinds(&place.export(CUSTOMER)), [3, 0, 3]);
}

/// Runs an erasure on a terminal; returns its exit code, what it asked and what it printed.
fn erase_on_a_terminal(place: &Place, answer: &str) -> (i32, String, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(Path::new(&theirs)).unwrap();
    let mut erase = place
        .command(&["customers", "erase", "--org", "telco", "--customer", CUSTOMER])
        .stdin(theirs)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut remarks = BufReader::new(erase.stderr.take().unwrap());
    let mut asked = String::new();
    remarks.read_line(&mut asked).unwrap();
    let mut terminal = File::from(ours);
    terminal.write_all(answer.as_bytes()).unwrap();
    let Done { code, output, .. } = erase.wait_with_output().unwrap().into();
    remarks.read_to_string(&mut asked).unwrap();
    (code, asked, output)
}

#[test]
fn an_erasure_asks_and_takes_only_yes_for_a_yes() {
    let place = Place::new();
    place.import(lines(0..3));
    let question = format!(
        "On customer {CUSTOMER} of telco there are 3 categories, 0 tombstones of deleted ones, 3 changes.\n\
         Erase all of it for good? [y/N] "
    );
    for answer in ["\n", "n\n", "yess\n"] {
        let (code, asked, output) = erase_on_a_terminal(&place, answer);
        assert_eq!((code, output.as_str()), (1, ""));
        assert_eq!(asked, format!("{question}error: nothing has been erased\n"));
    }
    assert_eq!(kinds(&place.export(CUSTOMER)), [3, 0, 3]);
    let (code, asked, output) = erase_on_a_terminal(&place, "y\n");
    assert_eq!((code, asked), (0, question));
    assert!(output.starts_with("erased of customer"), "{output}");
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);
}

#[tokio::test]
async fn an_erasure_that_was_killed_is_completed_when_run_again() {
    let place = Place::new();
    assert_eq!(place.import(lines(0..300)).code, 0);
    let stranger = CUSTOMER.replace("123e4567", "223e4567");
    place.import(lines(0..2).replace(CUSTOMER, &stranger));
    let server = place.serve();
    let erase = ["customers", "erase", "--org", "telco", "--customer", CUSTOMER, "--yes"];
    let erase = [&erase[..], &["--dynamodb-port", port(&server)]].concat();
    let mut erasing = place.command(&erase).stdout(Stdio::null()).spawn().unwrap();
    let all = loop {
        let (status, list) = server.request("GET", CATEGORIES, None).await;
        let left = list["categories"].as_array().map_or(0, Vec::len);
        if status == 404 || left < 300 {
            break left;
        }
    };
    erasing.kill().unwrap();
    erasing.wait().unwrap();
    assert!(all < 300);
    for path in [CATEGORIES.to_owned(), format!("{CATEGORIES}/historical"), format!("{CATEGORIES}/0")] {
        assert_eq!(server.request("GET", &path, None).await.0, 404, "{path}");
    }
    let again = json!({ "id": 1000, "value": "again" });
    assert_eq!(server.request("POST", CATEGORIES, Some(again)).await.0, 404);
    let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
    let export = place.run(&[&export[..], &["--dynamodb-port", port(&server)]].concat());
    assert_eq!(export.code, 0);
    assert!(export.remarks.starts_with("An erasure of customer"), "{}", export.remarks);
    assert!(export.remarks.ends_with("`customers erase` completes it.\n"), "{}", export.remarks);

    let done = place.run(&erase);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert_eq!(server.request("GET", CATEGORIES, None).await.0, 404);
    assert_eq!(server.request("GET", &format!("{CATEGORIES}/historical"), None).await.0, 404);
    assert!(place.run(&erase).output.starts_with("nothing is held on"));
    server.signal("-TERM");
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);
    assert_eq!(kinds(&place.export(&stranger)), [2, 0, 2]);
}

/// What a lock says, given what the file system says of it.
type Says<'a> = &'a dyn Fn(&fs::Metadata) -> String;

/// Commands that read and write, all of them on this data file.
fn all_commands(data: &str) -> Vec<Vec<&str>> {
    let customer = ["--org", "telco", "--customer", CUSTOMER];
    [
        vec!["keys", "create", "--name", "crm", "--org", "telco", "--role", "categories:read"],
        vec!["keys", "list"],
        vec!["import", "categories.jsonl", "--org", "telco"],
        vec!["catalogue", "policy", "--org", "telco", "--unknown", "accept"],
        vec!["catalogue", "import", "definitions.jsonl", "--org", "telco"],
        vec!["catalogue", "survey", "--org", "telco"],
        [&["customers", "export"], &customer[..]].concat(),
        [&["customers", "erase", "--yes"], &customer[..]].concat(),
        vec!["keys", "revoke", "API_KEY"],
    ]
    .into_iter()
    .map(|command| [command, vec!["--data", data]].concat())
    .collect()
}

#[tokio::test]
async fn a_command_works_on_the_data_file_that_is_named_whoever_else_serves() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..3));
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    let (a, b) = (Running::start(&place.path("a.db")), Running::start(&place.path("b.db")));
    for server in [&a, &b] {
        server.request("POST", CATEGORIES, Some(json!({ "id": 99, "value": "here before" }))).await;
    }
    let (_, before) = a.request("GET", CATEGORIES, None).await;
    for command in all_commands("b.db") {
        let done = place.run(&command);
        assert_eq!(done.code, 0, "{command:?}: {}", done.remarks);
        match command[..2] {
            ["keys", "list"] => assert!(done.output.contains("crm"), "{}", done.output),
            ["import", _] => {
                let (_, list) = b.request("GET", CATEGORIES, None).await;
                assert_eq!(list["categories"].as_array().unwrap().len(), 4);
            }
            ["catalogue", "survey"] => assert_eq!(done.output.lines().count(), 6, "{}", done.output),
            ["customers", "export"] => assert_eq!(done.output.lines().count(), 8, "{}", done.output),
            ["customers", "erase"] => assert!(done.output.starts_with("erased of"), "{}", done.output),
            _ => {}
        }
    }
    let asked =
        reqwest::Client::new().get(format!("{}{CATEGORIES}", b.url)).header("x-auth-roles", "READ_ONLY");
    assert_eq!(asked.send().await.unwrap().status(), 404);
    assert_eq!(a.request("GET", CATEGORIES, None).await, (200, before));
    let keys = place.run(&["keys", "list", "--data", "a.db"]);
    assert!(!keys.output.contains("crm") && !keys.output.contains("revoked"), "{}", keys.output);

    // By another name it is the same file, and the server that has it open is reached.
    symlink("b.db", place.path("link.db")).unwrap();
    let keys = place.run(&["keys", "list", "--data", "link.db"]);
    assert!(keys.output.contains("crm"), "{}", keys.remarks);
}

#[tokio::test]
async fn a_server_that_was_killed_is_in_nobodys_way() {
    let place = Place::new();
    place.serve().signal("-KILL");
    assert!(fs::read_to_string(place.path("data.db.lock")).unwrap().contains("endpoint"));
    // Somebody else may have its port now.
    let _other = Running::start(&place.path("other.db"));
    let done = place.import(lines(0..3));
    assert_eq!((done.code, done.output.as_str()), (0, "3 imported, 0 there already, 0 rejected\n"));
    assert_eq!(kinds(&place.export(CUSTOMER)), [3, 0, 3]);
}

#[tokio::test]
async fn a_command_does_nothing_where_no_server_proves_to_have_the_data_file_open() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..3));
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    let server = Running::start(&place.path("a.db"));
    server.request("POST", CATEGORIES, Some(json!({ "id": 99, "value": "here before" }))).await;
    let (_, before) = server.request("GET", CATEGORIES, None).await;
    let nobody = ANY_LOCAL_PORT;
    let nobody = format!("http://{}", std::net::TcpListener::bind(nobody).unwrap().local_addr().unwrap());
    let lock = |endpoint: &str, found: &fs::Metadata| {
        json!({
            "endpoint": endpoint, "identity": "01a208e8-fe27-75de-a151-569bda83de6f", "process": 4711,
            "device": found.dev(), "inode": found.ino(),
        })
        .to_string()
    };
    let copied = fs::read_to_string(place.path("a.db.lock")).unwrap();
    let says: [(Says, &str); 5] = [
        (
            &|found| lock(&server.dynamodb_url, found),
            "in process 4711; nothing has been done, stop that process",
        ),
        (&|found| lock(&server.dynamodb_url, found), "another server answers there"),
        (&|found| lock(&nobody, found), "nobody answers there"),
        (&|_| copied.clone(), "it is a copy of another lock"),
        (&|_| "anything else".to_owned(), "it does not say who holds it"),
    ];
    for (says, problem) in says {
        let held = place.hold("b.db", says);
        for command in all_commands("b.db") {
            let done = place.run(&command);
            assert_eq!((done.code, done.output.as_str()), (1, ""), "{command:?}");
            assert!(
                done.remarks.contains("the data file b.db is in use by another process"),
                "{}",
                done.remarks
            );
            assert!(done.remarks.contains(problem), "{}", done.remarks);
            assert_eq!(done.remarks.lines().count(), 1, "{}", done.remarks);
        }
        drop(held);
    }
    let held = place.hold("b.db", |_| String::new());
    let done = place.run(&["keys", "list", "--data", "b.db"]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(done.remarks.contains("wait until the command that works on it is done"), "{}", done.remarks);
    drop(held);
    assert_eq!(server.request("GET", CATEGORIES, None).await, (200, before));
    assert!(!place.path("b.db").exists());
}

#[tokio::test]
async fn data_in_memory_is_reached_by_the_port_that_is_named_and_not_by_chance() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..3));
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    let on_file = place.serve();
    let in_memory = Running::start_with(&["--in-memory"]);
    for command in all_commands("data.db") {
        let done = place.run(&[&command[..], &["--in-memory"]].concat());
        assert_eq!((done.code, done.output.as_str()), (1, ""), "{command:?}");
        assert!(done.remarks.contains("name the server's port by `--dynamodb-port`"), "{}", done.remarks);
    }
    assert_eq!(on_file.request("GET", CATEGORIES, None).await.0, 404);
    let named = ["--in-memory", "--dynamodb-port", port(&in_memory)];
    for command in all_commands("data.db") {
        let done = place.run(&[&command[..], &named].concat());
        assert_eq!(done.code, 0, "{command:?} {}", done.remarks);
    }
    let done = place.run(&["keys", "list"]);
    assert!(!done.output.contains("crm"), "{}", done.output);

    let port = port(&in_memory).to_owned();
    drop(in_memory);
    let done = place.run(&["keys", "list", "--in-memory", "--dynamodb-port", &port]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(
        done.remarks.contains("there is no server of this program at http://127.0.0.1:"),
        "{}",
        done.remarks
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_is_reached_and_proves_itself_at_whatever_address_it_listens_on() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..3));
    for address in ["127.0.0.2", "0.0.0.0"] {
        let bound = ["--dynamodb-address", address];
        let data = place.path(address);
        let on_file = Running::start_with(&[&["--data", data.to_str().unwrap()], &bound[..]].concat());
        let in_memory = Running::start_with(&[&["--in-memory"], &bound[..]].concat());
        let named = [&["--in-memory", "--dynamodb-port", port(&in_memory)], &bound[..]].concat();
        for (server, options) in [(&on_file, &["--data", address][..]), (&in_memory, &named)] {
            let done = place.run(&[&["import", "categories.jsonl", "--org", "telco"], options].concat());
            assert_eq!(done.code, 0, "{address}: {}", done.remarks);
            let (_, list) = server.request("GET", CATEGORIES, None).await;
            assert_eq!(list["categories"].as_array().unwrap().len(), 3, "{address}");
        }
    }
}

#[tokio::test]
async fn a_port_that_contradicts_the_data_file_is_refused() {
    let place = Place::new();
    let (a, b) = (Running::start(&place.path("a.db")), Running::start(&place.path("b.db")));
    let list = |data, port| place.run(&["keys", "list", "--data", data, "--dynamodb-port", port]);
    assert_eq!(list("b.db", port(&b)).code, 0);
    let done = list("b.db", port(&a));
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(
        done.remarks.contains(&format!("is at {}, not on port {}", b.dynamodb_url, port(&a))),
        "{}",
        done.remarks
    );
    let done = list("c.db", port(&a));
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(done.remarks.contains("no server has the data file c.db open"), "{}", done.remarks);
    assert!(!place.path("c.db").exists());
}

#[tokio::test]
async fn a_server_that_takes_the_place_of_another_amid_a_command_gets_nothing() {
    let start = async |address| {
        let engine = Engine::start(&Data::Memory, address, &[]).unwrap();
        engine.announce().await.unwrap();
        engine
    };
    let first = start(ANY_LOCAL_PORT).await;
    let url = first.url();
    let identity = identity::of(url.clone()).await.unwrap();
    let proving = identity::proving_client(url.clone(), identity);
    let put = async || {
        let item = AttributeValue::S("anything".to_owned());
        proving.put_item().table_name("customers-categories-server").item("name", item).send().await
    };
    put().await.unwrap();
    drop(first);
    put().await.unwrap_err();
    let _second = start(url.strip_prefix("http://").unwrap().parse().unwrap()).await;
    put().await.unwrap_err();
    let there = server::client(url).scan().table_name("customers-categories-server").send().await.unwrap();
    assert_eq!(there.count, 1, "nothing but the second one's own identity");
}

#[test]
fn what_holds_customers_data_is_its_owners_alone() {
    let place = Place::new();
    let own = ["data.db", "data.db-wal", "data.db-shm", "data.db.lock"];
    let server = place.serve();
    assert_eq!(own.map(|name| place.mode(name)), [0o600; 4]);
    server.signal("-KILL");
    // As earlier versions left them.
    for name in own {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o664)).unwrap();
    }
    let _server = place.serve();
    assert_eq!(own.map(|name| place.mode(name)), [0o600; 4]);
}

#[test]
fn what_lies_in_the_place_of_the_lock_is_not_overwritten() {
    let place = Place::new();
    let precious = place.write("precious", "precious");
    symlink(&precious, place.path("linked.db.lock")).unwrap();
    place.write("Cargo.lock", "version = 4");
    symlink("nowhere", place.path("dangling")).unwrap();
    for (data, problem) in [
        ("linked.db", "can't be read or written"),
        ("Cargo", "Cargo.lock is needed to lock the data file, but belongs to another program"),
        ("dangling", "can't be read or written"),
    ] {
        let done = place.run(&["keys", "list", "--data", data]);
        assert_eq!((done.code, done.output.as_str()), (1, ""), "{data}");
        assert!(done.remarks.contains(problem), "{}", done.remarks);
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    assert_eq!(fs::read_to_string(place.path("Cargo.lock")).unwrap(), "version = 4");
    assert!(!place.path("nowhere").exists());
}

#[test]
fn files_that_are_written_replace_nothing_and_follow_no_link() {
    let place = Place::new();
    place.import(lines(0..2));
    place.write("categories.jsonl", "{}");
    let precious = place.write("precious", "precious");
    symlink(&precious, place.path("link")).unwrap();
    fs::create_dir(place.path("folder")).unwrap();
    let mut taken = vec!["precious", "link", "folder", "data.db"];
    // Some of these are not there.
    taken.extend(["data.db-wal", "data.db-shm", "data.db-journal", "data.db.lock", "./data.db"]);
    let before = fs::read(place.path("data.db")).unwrap();
    for path in taken {
        for command in [
            ["import", "categories.jsonl", "--org", "telco", "--rejected", path].as_slice(),
            &["customers", "export", "--org", "telco", "--customer", CUSTOMER, "--output", path],
            &["catalogue", "survey", "--org", "telco", "--draft", path],
        ] {
            let done = place.run(command);
            assert_eq!((done.code, done.output.as_str()), (1, ""), "{command:?} {}", done.remarks);
            assert!(done.remarks.contains(path), "{}", done.remarks);
            assert!(
                !path.contains("data.db") || done.remarks.contains("it belongs to a database"),
                "{}",
                done.remarks
            );
        }
    }
    // The same for a database that is not worked on.
    fs::copy(place.path("data.db"), place.path("other.db")).unwrap();
    let done = place.run(&["import", "categories.jsonl", "--org", "telco", "--rejected", "other.db-wal"]);
    assert!(done.remarks.contains("it belongs to a database"), "{}", done.remarks);
    assert_eq!(fs::read(place.path("data.db")).unwrap(), before);
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    assert_eq!(place.unfinished(), [] as [PathBuf; 0]);

    // Only what an earlier run has left is replaced, and by a file for its owner alone.
    assert_eq!(place.import("{}").code, 3);
    let first = fs::read(place.path("categories.rejected.jsonl")).unwrap();
    fs::set_permissions(place.path("categories.rejected.jsonl"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::hard_link(place.path("categories.rejected.jsonl"), place.path("kept")).unwrap();
    assert_eq!(place.import("[]").code, 3);
    assert_eq!(place.mode("categories.rejected.jsonl"), 0o600);
    assert_eq!(place.rejected()[0].1, "the line must be a JSON object");
    assert_eq!(fs::read(place.path("kept")).unwrap(), first);
}

#[test]
fn rejected_lines_go_where_files_can_be_written() {
    let place = Place::new();
    fs::create_dir_all(place.path("in/categories.rejected.jsonl")).unwrap();
    place.write("in/categories.jsonl", "{}");
    let import = |file: &str| {
        let done = place.run(&["import", file, "--org", "telco"]);
        (done.code, done.remarks)
    };
    let said = |path: &str| (3, format!("{path} says which lines were rejected, and why.\n"));
    assert_eq!(import("in/categories.jsonl"), said("categories.rejected.jsonl"));
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in ["-", "/dev/stdin", "/proc/self/fd/0", "pipe"] {
        let mut command = place.command(&["import", file, "--org", "telco"]);
        command.stdin(File::open(place.path("in/categories.jsonl")).unwrap());
        let importing = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        if file == "pipe" {
            fs::write(&pipe, "{}").unwrap();
        }
        let done = Done::from(importing.wait_with_output().unwrap());
        assert_eq!((done.code, done.remarks), said("import.rejected.jsonl"), "{file}");
        fs::remove_file(place.path("import.rejected.jsonl")).unwrap();
    }

    fs::remove_file(place.path("categories.rejected.jsonl")).unwrap();
    fs::create_dir(place.path("categories.rejected.jsonl")).unwrap();
    place.write("in/categories.jsonl", lines(0..1));
    let (code, remarks) = import("in/categories.jsonl");
    assert_eq!(code, 1);
    assert_eq!(
        remarks,
        "error: rejected lines could not be written to in/categories.rejected.jsonl or categories.rejected.jsonl; \
         name a file for them by `--rejected`\n"
    );
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);
}

#[test]
fn a_file_that_has_no_lines_of_json_is_one_message() {
    let place = Place::new();
    let text = lines(0..100);
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let piped = |program: &str, arguments: &[&str]| {
        let input = place.write("text", &text);
        let output = Command::new(program).args(arguments).stdin(File::open(input).unwrap()).output();
        output.ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    let array = format!("\n[\n{}]", text.trim_end().replace('\n', ",\n"));
    let cases = [
        (
            Some([b"\xff\xfe".to_vec(), utf_16(u16::to_le_bytes)].concat()),
            "in UTF-16",
            "iconv -f UTF-16 -t UTF-8",
        ),
        (
            Some([b"\xfe\xff".to_vec(), utf_16(u16::to_be_bytes)].concat()),
            "in UTF-16",
            "iconv -f UTF-16 -t UTF-8",
        ),
        (Some(utf_16(u16::to_le_bytes)), "in UTF-16 without", "iconv -f UTF-16LE -t UTF-8"),
        (Some(utf_16(u16::to_be_bytes)), "in UTF-16 without", "iconv -f UTF-16BE -t UTF-8"),
        (piped("gzip", &["-c"]), "compressed by gzip", "gunzip -c"),
        (Some(b"PK\x03\x04\x14\0".to_vec()), "a ZIP archive", "unzip -p"),
        (Some(b"\x28\xb5\x2f\xfd\x04".to_vec()), "compressed by zstd", "zstd -dc"),
        (Some(b"\xfd7zXZ\0\0".to_vec()), "compressed by xz", "xz -dc"),
        (Some(b"BZh91AY".to_vec()), "compressed by bzip2", "bzip2 -dc"),
        (Some(array.into_bytes()), "one JSON array", "jq -c '.[]'"),
    ];
    for (content, is, turned_by) in cases {
        // gzip may be missing.
        let Some(content) = content else { continue };
        let done = place.import(content);
        assert_eq!((done.code, done.output.as_str()), (1, ""), "{is}");
        let begins = format!("error: categories.jsonl is {is}");
        let command = format!("`{turned_by} categories.jsonl | customers-categories import -`");
        assert!(done.remarks.starts_with(&begins) && done.remarks.contains(&command), "{}", done.remarks);
        assert_eq!(done.remarks.lines().count(), 1);
        assert!(!place.path("categories.rejected.jsonl").exists());
    }
}

#[test]
fn null_is_what_is_not_known_and_problems_name_the_line_of_the_file() {
    let place = Place::new();
    let line = json!({
        "customer_id": CUSTOMER, "id": 7, "value": "gold",
        "description": null, "reason": null, "changed_at": null, "changed_by": null,
    });
    let done = place.import(format!("{line}\n\n{line}\n{{\"id\": 7, }}\n{line}"));
    assert_eq!(done.output, "1 imported, 2 there already, 1 rejected\n");
    let [(4, problem, _)] = &place.rejected()[..] else { panic!("{:?}", place.rejected()) };
    assert_eq!(problem, "the line is not one JSON document (line 4, column 11)");
}

#[tokio::test]
async fn an_exported_customer_can_be_imported_into_another_table() {
    let place = Place::new();
    let server = place.serve();
    server.request("POST", CATEGORIES, Some(json!({ "id": 7, "value": "gold" }))).await;
    server.request("PATCH", &format!("{CATEGORIES}/7"), Some(json!({ "value": null }))).await;
    let body = json!({ "id": 8, "value": "risk", "description": "x", "reason": "y" });
    server.request("POST", CATEGORIES, Some(body)).await;
    server.request("POST", CATEGORIES, Some(json!({ "id": 9, "value": "deleted" }))).await;
    server.request("DELETE", &format!("{CATEGORIES}/9"), None).await;
    let (_, list) = server.request("GET", CATEGORIES, None).await;

    let import = |org| {
        let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
        let mut exporting = place.command(&export).stdout(Stdio::piped()).spawn().unwrap();
        let mut import = place.command(&["import", "-", "--org", org]);
        let done =
            import.args(["--data", "other.db"]).stdin(exporting.stdout.take().unwrap()).output().unwrap();
        assert!(exporting.wait().unwrap().success());
        Done::from(done)
    };
    let left_out = "6 left out that are an export's and no categories";
    for counted in ["2 imported, 0 there already", "0 imported, 2 there already"] {
        let done = import("telco");
        assert_eq!(
            (done.code, done.output),
            (0, format!("{counted}, 0 rejected, {left_out}\n")),
            "{}",
            done.remarks
        );
    }
    let other = Running::start(&place.path("other.db"));
    let (_, imported) = other.request("GET", CATEGORIES, None).await;
    for (imported, exported) in
        imported["categories"].as_array().unwrap().iter().zip(list["categories"].as_array().unwrap())
    {
        for member in ["id", "value", "description", "reason", "updated_at"] {
            assert_eq!(imported[member], exported[member], "{member}");
        }
        assert_eq!(imported["created_at"], exported["updated_at"]);
    }

    // Another organisation's is no mistake that goes unnoticed.
    let done = import("rival");
    assert_eq!(
        (done.code, done.output),
        (3, format!("0 imported, 0 there already, 2 rejected, {left_out}\n"))
    );
    let rejected = fs::read_to_string(place.path("import.rejected.jsonl")).unwrap();
    assert!(
        rejected.contains("`org_id` must be rival, the organisation that is imported into"),
        "{rejected}"
    );
}

#[test]
fn an_import_that_is_interrupted_leaves_no_file_behind() {
    let place = Place::new();
    let mut command = place.command(&["import", "-", "--org", "telco"]);
    let mut importing = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = importing.stdin.take().unwrap();
    input.write_all(format!("{{}}\n{}", lines(0..3)).as_bytes()).unwrap();
    // It has the file of rejected lines before the database.
    while !place.path("data.db-wal").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    let killed = Command::new("kill").args(["-TERM", &importing.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(importing.wait().unwrap().code(), Some(130));
    assert_eq!(place.unfinished(), [] as [PathBuf; 0]);
}

/// Runs commands whose standard output is at an end: each fails with one line.
fn fails_to_tell(command: &mut Command) -> String {
    let done =
        command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("standard output can't be written: "), "{said}");
    said
}

/// Where nothing can be written: a full disk, and a pipe whose reader has gone.
fn full_outputs() -> [Stdio; 2] {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    [full.into(), writer.into()]
}

#[test]
fn what_cant_be_told_is_a_failure_in_one_line() {
    let place = Place::new();
    place.import(lines(0..1));
    let nobody = "123e4567-e89b-12d3-a456-556642449999";
    let (erase, export) = (["customers", "erase", "--yes"], ["customers", "export"]);
    let (this, nobody) =
        (["--org", "telco", "--customer", CUSTOMER], ["--org", "telco", "--customer", nobody]);
    for command in [
        &["keys", "list"][..],
        &["import", "categories.jsonl", "--org", "telco", "--allow-erased"],
        &[&export[..], &this].concat(),
        &[&erase[..], &nobody].concat(),
        &[&erase[..], &this].concat(),
        &["--port", "0"],
    ] {
        for output in full_outputs() {
            place.run(&["import", "categories.jsonl", "--org", "telco", "--allow-erased"]);
            fails_to_tell(place.command(command).stdout(output));
        }
        // Nor does it panic where there is nobody to tell even that.
        let [output, remarks] = [full_outputs(), full_outputs()].map(|[full, _]| full);
        let status = place.command(command).stdout(output).stderr(remarks).status().unwrap();
        assert_eq!(status.code(), Some(1), "{command:?}");
    }
}

#[test]
fn a_key_that_cant_be_shown_is_revoked() {
    let place = Place::new();
    for output in full_outputs() {
        let create = ["keys", "create", "--name", "crm", "--all-orgs", "--role", "categories:read"];
        let said = fails_to_tell(place.command(&create).stdout(output));
        assert!(said.contains("so it has been revoked"), "{said}");
    }
    let list = place.run(&["keys", "list"]).output;
    let of_crm: Vec<&str> = list.lines().filter(|line| line.contains("crm")).collect();
    assert_eq!(of_crm.len(), 2, "{list}");
    assert!(of_crm.iter().all(|line| line.contains(" revoked ")), "{list}");
}

/// Characters that a terminal acts on, or that turn what follows around.
const UNPRINTABLE: &str =
    "\u{7f}\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}";

#[test]
fn what_a_terminal_would_act_on_is_escaped_in_exports_and_rejected_lines() {
    let place = Place::new();
    let value = format!("a{UNPRINTABLE}z \u{1b}[31m Zoë שלום");
    let done = place.import(json!({ "customer_id": CUSTOMER, "id": 7, "value": value }).to_string());
    assert_eq!(done.code, 0, "{}", done.remarks);
    let export = ["customers", "export", "--org", "telco", "--customer", CUSTOMER];
    let output = place.run(&export).output;
    let escaped = "\"a\\u007f\\u0085\\u009b\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a\\u202e\\u2066\\u2069z \\u001b[31m \
                   Zoë שלום\"";
    assert!(output.contains(escaped), "{output}");
    assert!(place.export(CUSTOMER).iter().any(|line| line["value"] == value));

    let name = format!("old{UNPRINTABLE}crm");
    let line = json!({ "customer_id": CUSTOMER, "id": 8, "value": "x", "changed_by": name }).to_string();
    assert_eq!(place.import(&line).code, 3);
    let rejected = fs::read_to_string(place.path("categories.rejected.jsonl")).unwrap();
    assert!(rejected.is_ascii(), "{rejected}");
    let [(_, problem, text)] = place.rejected().try_into().unwrap();
    assert!(
        problem.contains("`changed_by` must be 1 to 100 characters without control characters"),
        "{problem}"
    );
    assert_eq!(text, line);
}

#[tokio::test]
async fn key_names_that_a_terminal_would_act_on_are_refused_and_old_ones_shown_escaped() {
    let place = Place::new();
    for character in UNPRINTABLE.chars() {
        let name = format!("old{character}crm");
        let create = ["keys", "create", "--all-orgs", "--role", "categories:read", "--name", &name];
        let done = place.run(&create);
        assert_eq!(done.code, 2, "{character:?}");
        assert!(done.remarks.contains("must be 1 to 100 characters"), "{}", done.remarks);
    }

    // What was made before they were refused.
    let create = ["keys", "create", "--all-orgs", "--role", "categories:write", "--name", "old-crm"];
    let made = place.run(&create);
    let key = made.output.trim_end();
    let database = rusqlite::Connection::open(place.path("data.db")).unwrap();
    let renamed = "UPDATE \"customers-categories-keys\" SET item_json = replace(item_json, 'old-crm', ?1)";
    assert_eq!(database.execute(renamed, ["old\u{202e}crm"]).unwrap(), 1);
    drop(database);

    let server = place.serve();
    let url = format!("{}{CATEGORIES}", server.url);
    let post = reqwest::Client::new().post(url).header("x-auth-roles", key);
    let answer = post.json(&json!({ "id": 7, "value": "x" })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    drop(server);
    let list = place.run(&["keys", "list"]).output;
    assert!(list.contains("old\\u{202e}crm"), "{list}");
    let done = place.run(&["keys", "revoke", "old\u{202e}crm"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert!(done.remarks.contains("Revoked the key of old\\u{202e}crm with"), "{}", done.remarks);
}
