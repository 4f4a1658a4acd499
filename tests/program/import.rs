//! `import`: categories out of a file.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Done, Place, kinds, lines, on_aws, port},
    running::CATEGORIES,
};

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

#[tokio::test]
async fn an_import_that_can_not_go_on_says_where_it_stopped() {
    let place = Place::new();
    let server = place.serve();
    let mut import = place.command(&["import", "-", "--org", "telco", "--table", "customers-categories"]);
    let import = on_aws(&mut import, &server).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut import = import.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = import.stdin.take().unwrap();
    input.write_all(lines(0..1).as_bytes()).unwrap();
    input.flush().unwrap();
    while server.request("GET", CATEGORIES, None).await.0 == 404 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let database = customers_categories::server::client(server.dynamodb_url.clone());
    database.delete_table().table_name("customers-categories").send().await.unwrap();
    input.write_all(lines(1..2).as_bytes()).unwrap();
    drop(input);
    let done = Done::from(import.wait_with_output().unwrap());
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(
        done.remarks.starts_with("error: the import stopped at line 2; run it again"),
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

#[test]
fn what_is_here_is_left_alone_or_replaced_as_the_operator_says() {
    let place = Place::new();
    assert_eq!(place.import(lines(0..60)).output, "60 imported, 0 there already, 0 rejected\n");
    let changed = lines(0..80).replace("gold", "silver");
    let done = place.import(&changed);
    assert_eq!((done.code, done.output.as_str()), (3, "20 imported, 0 there already, 60 rejected\n"));
    let update = ["import", "categories.jsonl", "--org", "telco", "--on-conflict", "update"];
    let done = place.run(&update);
    assert_eq!((done.code, done.output.as_str()), (0, "60 imported, 20 there already, 0 rejected\n"));
    assert_eq!(place.run(&update).output, "0 imported, 80 there already, 0 rejected\n");
    let export = place.export(CUSTOMER);
    assert_eq!(kinds(&export), [80, 0, 140]);
    assert!(export[..80].iter().all(|category| category["value"] == "silver"));
    // Of two lines about one category the second has the last word, in the order of the file.
    let line = |value: &str| json!({ "customer_id": CUSTOMER, "id": 7, "value": value }).to_string();
    place.write("categories.jsonl", ["a", "b", "c", "b"].map(line).join("\n"));
    assert_eq!(place.run(&update).output, "4 imported, 0 there already, 0 rejected\n");
    assert_eq!(place.export(CUSTOMER)[7]["value"], "b");
}
