//! Which database a command works on.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
};

use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::{
    Data, Engine,
    server::{self, engine::ANY_LOCAL_PORT, identity},
};
use serde_json::json;

use crate::{
    place::{CUSTOMER, Place, kinds, lines, port},
    running::{CATEGORIES, Running},
};

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
        vec!["reindex"],
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
        let done = place.run(&["keys", "list", "--create-data", "--data", data]);
        assert_eq!((done.code, done.output.as_str()), (1, ""), "{data}");
        assert!(done.remarks.contains(problem), "{}", done.remarks);
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    assert_eq!(fs::read_to_string(place.path("Cargo.lock")).unwrap(), "version = 4");
    assert!(!place.path("nowhere").exists());
}
