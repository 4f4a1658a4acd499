//! The operator's commands on categories, as the operator sees them: the real binary, its files, its
//! output, its exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use running::{CATEGORIES, Running, local};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use tempfile::TempDir;

const CUSTOMER: &str = "123e4567-e89b-12d3-a456-556642440000";

struct Done {
    code: i32,
    output: String,
    remarks: String,
}

impl From<Output> for Done {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), output: text(stdout), remarks: text(stderr) }
    }
}

/// A folder with a data file in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn serve(&self) -> Running {
        Running::start(&self.path("data.db"))
    }

    /// A command on the data file, run in the folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = local(arguments);
        command.args(["--data", "data.db"]).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.command(arguments).output().unwrap().into()
    }

    fn import(&self, lines: impl AsRef<[u8]>) -> Done {
        self.write("categories.jsonl", lines);
        self.run(&["import", "categories.jsonl", "--org", "telco"])
    }

    /// The lines of the file of rejected lines: number, problems, text.
    fn rejected(&self) -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(self.path("categories.rejected.jsonl")).unwrap();
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

    fn export(&self, customer: &str) -> Vec<Value> {
        let done = self.run(&["customers", "export", "--org", "telco", "--customer", customer]);
        assert_eq!(done.code, 0, "{}", done.remarks);
        done.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn erase(&self, arguments: &[&str]) -> Done {
        let erase = ["customers", "erase", "--org", "telco", "--customer", CUSTOMER];
        self.run(&[&erase, arguments].concat())
    }
}

/// A command with `--table`, in an environment as for AWS, but with the server in its place.
fn on_aws<'a>(command: &'a mut Command, server: &Running) -> &'a mut Command {
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

    let done = place.run(&erase);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert_eq!(server.request("GET", CATEGORIES, None).await.0, 404);
    assert_eq!(server.request("GET", &format!("{CATEGORIES}/historical"), None).await.0, 404);
    server.signal("-TERM");
    assert_eq!(place.export(CUSTOMER), [] as [Value; 0]);
    assert_eq!(kinds(&place.export(&stranger)), [2, 0, 2]);
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
        &["import", "categories.jsonl", "--org", "telco"],
        &[&export[..], &this].concat(),
        &[&erase[..], &nobody].concat(),
        &[&erase[..], &this].concat(),
        &["--port", "0"],
    ] {
        for output in full_outputs() {
            place.run(&["import", "categories.jsonl", "--org", "telco"]);
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
