//! `customers`: export and erasure.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Done, Place, kinds, lines, on_aws, port},
    running::{CATEGORIES, Running},
};

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

#[tokio::test]
async fn an_exported_customer_can_be_imported_into_another_table() {
    let place = Place::new();
    place.make("other.db");
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
    let left_out = "6 other lines of an export left out";
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
    assert_eq!((done.code, done.output), (4, format!("nothing is held on customer {CUSTOMER} of telco\n")));
    let done = place.run(&["customers", "export", "--org", "telco", "--customer", CUSTOMER]);
    assert_eq!((done.code, done.output.as_str()), (4, ""));
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
