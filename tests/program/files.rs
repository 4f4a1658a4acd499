//! Files that hold customers' data.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use crate::place::{CUSTOMER, Place, lines};

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
