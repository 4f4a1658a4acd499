//! Copies of the local engine's data file.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Place, lines},
    running::{CATEGORIES, Running, local},
};

fn ids(list: &Value) -> Vec<i64> {
    list["categories"].as_array().unwrap().iter().map(|category| category["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_all_that_was_acknowledged_before_while_writes_go_on() {
    let place = Place::new();
    let server = place.serve();
    let stop = AtomicBool::new(false);
    let writing = async {
        let mut id = 0;
        while !stop.load(Ordering::Relaxed) {
            let body = json!({ "id": id, "value": "x" });
            assert_eq!(server.request("POST", CATEGORIES, Some(body)).await.0, 201);
            id += 1;
        }
        id
    };
    let backing_up = async {
        let mut acknowledged = Vec::new();
        for n in 0..3 {
            let (_, list) = server.request("GET", CATEGORIES, None).await;
            let before = list["categories"].as_array().map_or(0, Vec::len);
            let name = format!("copy{n}.db");
            let done = tokio::task::block_in_place(|| place.run(&["backup", &name]));
            assert_eq!(done.code, 0, "{}", done.remarks);
            assert!(
                done.output.starts_with(&format!("{name} has all that was committed")),
                "{}",
                done.output
            );
            assert_eq!(place.mode(&name), 0o600);
            acknowledged.push((name, before));
        }
        stop.store(true, Ordering::Relaxed);
        acknowledged
    };
    let (written, acknowledged) = tokio::join!(writing, backing_up);
    for (name, before) in acknowledged {
        let copy = Running::start(&place.path(&name));
        let (_, list) = copy.request("GET", CATEGORIES, None).await;
        let found = list["categories"].as_array().map_or(Vec::new(), |_| ids(&list));
        assert!((before..=written).contains(&found.len()), "{before} {} {written}", found.len());
        assert!(found.iter().copied().eq(0..i64::try_from(found.len()).unwrap()), "{found:?}");
        // It is a data file as any other.
        assert_eq!(copy.request("POST", CATEGORIES, Some(json!({ "id": -1, "value": "x" }))).await.0, 201);
    }
}

#[test]
fn a_copy_is_restored_by_copying_it_back() {
    let place = Place::new();
    assert_eq!(place.import(lines(0..3)).code, 0);
    let before = place.export(CUSTOMER);
    assert_eq!(place.run(&["backup", "saved.db"]).code, 0);
    assert_eq!(place.erase(&["--yes"]).code, 0);
    assert!(place.export(CUSTOMER).is_empty());
    fs::rename(place.path("data.db"), place.path("broken.db")).unwrap();
    let done = place.run(&["backup", "data.db", "--data", "saved.db"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    assert_eq!(place.export(CUSTOMER), before);
    // What was erased is not in a copy that is made after that.
    let has = |name: &str| fs::read(place.path(name)).unwrap().windows(4).any(|part| part == b"gold");
    assert_eq!(place.run(&["backup", "clean.db", "--data", "broken.db"]).code, 0);
    assert_eq!([has("saved.db"), has("clean.db")], [true, false]);
}

#[test]
fn a_copy_replaces_nothing_and_is_of_a_data_file_alone() {
    let place = Place::new();
    place.write("precious", "precious");
    place.write("old.db-wal", "of another database");
    for (arguments, problem) in [
        (&["backup", "precious"][..], "precious can't be written"),
        (&["backup", "data.db"], "it belongs to a database"),
        (&["backup", "old.db"], "old.db-wal is left of a database that was there before"),
        (&["backup", "no/such/folder.db"], "can't be written"),
        (&["backup", "copy.db", "--data", "nowhere.db"], "there is no data file nowhere.db"),
        (&["backup", "copy.db", "--data", "precious"], "is not a database, or damaged"),
        (&["backup", "copy.db", "--in-memory"], "data in memory has no file"),
    ] {
        let done = place.run(arguments);
        assert_eq!(
            (done.code, done.output.as_str(), done.remarks.lines().count()),
            (1, "", 1),
            "{}",
            done.remarks
        );
        assert!(done.remarks.contains(problem), "{arguments:?}: {}", done.remarks);
    }
    assert_eq!(fs::read_to_string(place.path("precious")).unwrap(), "precious");
    assert!(!place.path("copy.db").exists() && !place.path("nowhere.db").exists());
    assert_eq!(place.unfinished(), [] as [PathBuf; 0]);
    assert_eq!(local(&["backup"]).output().unwrap().status.code(), Some(2));
}
