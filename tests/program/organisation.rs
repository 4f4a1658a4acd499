//! All that an organisation has: `export`, `import --with-history`, `stats`.

use std::fs;

use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Done, Place, on_aws},
    running::{CATEGORIES, Running},
};

const DEFINITIONS: &str = "/v4/orgs/telco/categories";

/// The categories of the `n`th customer.
fn path(n: usize) -> String {
    CATEGORIES.replace("123e4567", &format!("{n:08x}"))
}

/// Two organisations with customers, of whom some are erased, and a catalogue with a past.
async fn furnish(place: &Place, server: &Running) {
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        let (status, answer) = server.request(method, path, body).await;
        assert!(status < 300, "{method} {path}: {answer}");
    };
    let some = |id: i32, value: &str| Some(json!({ "id": id, "value": value, "reason": "\u{1b}[31m" }));
    let define =
        |id: i32, name: &str| Some(json!({ "id": id, "name": name, "valid_values": ["gold", "silver"] }));
    ask("POST", DEFINITIONS, define(7, "Tier")).await;
    ask("PATCH", &format!("{DEFINITIONS}/7"), Some(json!({ "name": "Level" }))).await;
    ask("POST", DEFINITIONS, define(8, "Tier")).await;
    ask("DELETE", &format!("{DEFINITIONS}/8?reason=Unused"), None).await;
    ask("POST", DEFINITIONS, define(8, "Tier")).await;
    for customer in 0..4 {
        ask("POST", &path(customer), some(7, "gold")).await;
        ask("PATCH", &format!("{}/7", path(customer)), Some(json!({ "value": "silver", "reason": null })))
            .await;
    }
    ask("DELETE", &format!("{}/7?reason=Left", path(1)), None).await;
    ask("POST", &path(1), some(7, "gold")).await;
    ask("DELETE", &format!("{}/7", path(2)), None).await;
    ask("POST", &path(0).replace("telco", "rival"), some(7, "theirs")).await;
    ask("POST", "/v4/orgs/rival/categories", define(1, "Theirs")).await;
    let set = ["catalogue", "policy", "--org", "telco", "--unknown", "reject"];
    assert_eq!(place.run(&set).code, 0);
    // One who was erased, and one who came back after that.
    for customer in [3, 4] {
        if customer == 4 {
            ask("POST", &path(4), some(7, "gold")).await;
        }
        let id = CUSTOMER.replace("123e4567", &format!("{customer:08x}"));
        let erase = ["customers", "erase", "--yes", "--org", "telco", "--customer", &id];
        assert_eq!(place.run(&erase).code, 0);
    }
    ask("POST", &path(4), some(7, "silver")).await;
}

fn export(place: &Place, data: &str, name: &str) -> String {
    let done = place.run(&["export", "--org", "telco", "--output", name, "--data", data]);
    assert_eq!((done.code, done.output.as_str()), (0, ""), "{}", done.remarks);
    assert_eq!(place.mode(name), 0o600);
    fs::read_to_string(place.path(name)).unwrap()
}

#[tokio::test]
async fn what_was_exported_and_imported_is_exported_the_same() {
    let place = Place::new();
    let server = place.serve();
    furnish(&place, &server).await;
    let first = export(&place, "data.db", "first.jsonl");
    assert!(!first.contains("theirs") && !first.contains("mcus_") && !first.contains("API_KEY\",\"hash"));
    let count =
        |kind: &str| first.lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count();
    let kinds = ["definition", "deleted_definition", "definition_change", "policy", "erased_customer"];
    assert_eq!(kinds.map(count), [2, 0, 5, 1, 2]);
    assert_eq!(["category", "deleted_category", "change"].map(count), [3, 1, 10]);

    place.make("other.db");
    let import = ["import", "first.jsonl", "--org", "telco", "--with-history", "--data", "other.db"];
    let total = 5 + 1 + 2 + 10;
    for counted in
        [format!("{total} imported, 0 there already"), format!("0 imported, {total} there already")]
    {
        let done = place.run(&import);
        let expected = format!("{counted}, 0 rejected, 6 other lines of an export left out\n");
        assert_eq!((done.code, done.output), (0, expected), "{}", done.remarks);
    }
    assert_eq!(export(&place, "other.db", "second.jsonl"), first);

    // Callers are told the same, revisions included, and go on from there.
    let other = Running::start(&place.path("other.db"));
    for path in [
        path(0),
        format!("{}/historical", path(1)),
        path(2),
        path(3),
        format!("{}/historical", path(4)),
        DEFINITIONS.to_owned(),
        format!("{DEFINITIONS}/historical"),
    ] {
        let [here, there] = [&other, &server].map(|server| server.request("GET", &path, None));
        let ((status, here), (expected, there)) = (here.await, there.await);
        assert_eq!(
            (status, &here["categories"], &here["history"]),
            (expected, &there["categories"], &there["history"])
        );
    }
    for server in [&server, &other] {
        let taken = Some(json!({ "id": 9, "name": "tier" }));
        assert_eq!(server.request("POST", DEFINITIONS, taken).await.0, 409);
        assert_eq!(server.request("POST", &path(0), Some(json!({ "id": 99, "value": "x" }))).await.0, 404);
        assert_eq!(server.request("DELETE", &format!("{}/7", path(1)), None).await.0, 204);
    }
    // An import of lines keeps who was erased out there, too.
    let id = CUSTOMER.replace("123e4567", "00000003");
    place.write("back.jsonl", json!({ "customer_id": id, "id": 7, "value": "gold" }).to_string());
    let done = place.run(&["import", "back.jsonl", "--org", "telco", "--data", "other.db"]);
    assert_eq!(done.code, 3, "{}", done.remarks);
}

/// An organisation's export, `all.jsonl`, beside `other.db`, which has nothing in it.
async fn exported() -> (Place, String) {
    let place = Place::new();
    furnish(&place, &place.serve()).await;
    let all = export(&place, "data.db", "all.jsonl");
    place.make("other.db");
    (place, all)
}

/// Takes an organisation's changes over into `other.db`.
fn import_changes(place: &Place, name: &str, arguments: &[&str]) -> Done {
    let import = ["import", name, "--org", "telco", "--with-history", "--data", "other.db"];
    place.run(&[&import[..], arguments].concat())
}

#[tokio::test]
async fn an_import_with_history_goes_on_where_it_was_killed() {
    let (place, all) = exported().await;
    // As it is left when it ends amid a customer's changes.
    let half: String = all.lines().take(all.lines().count() / 2).flat_map(|line| [line, "\n"]).collect();
    place.write("half.jsonl", half);
    assert_eq!(import_changes(&place, "half.jsonl", &[]).code, 0);
    assert_eq!(import_changes(&place, "all.jsonl", &[]).code, 0);
    assert_eq!(export(&place, "other.db", "again.jsonl"), all);

    // What was changed there is neither overwritten nor mixed up.
    let other = Running::start(&place.path("other.db"));
    let patch = Some(json!({ "value": "gold" }));
    assert_eq!(other.request("PATCH", &format!("{}/7", path(0)), patch).await.0, 204);
    let (_, changed) = other.request("GET", &format!("{}/7", path(0)), None).await;
    assert_eq!(import_changes(&place, "all.jsonl", &[]).code, 0);
    assert_eq!(other.request("GET", &format!("{}/7", path(0)), None).await.1, changed);
}

/// Lines that don't fit where all these have been taken over, and what is wrong with each.
fn misfits(all: &str) -> Vec<(String, &'static str)> {
    let find = |kind: &str, change: &str| -> Value {
        let mut lines = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["kind"] == kind && line["change"] == change).unwrap()
    };
    let (change, mut deletion) = (find("change", "updated"), find("definition_change", "deleted"));
    deletion["name"] = json!("Tier");
    let with = |member: &str, value: Value| {
        let mut line = change.clone();
        line[member] = value;
        line.to_string()
    };
    let (later, earlier) = ("0f000000-0000-7000-8000-000000000000", "01000000-0000-7000-8000-000000000000");
    let at = |revision: &str, changed_at: &str, previous: Value| {
        let mut line = change.clone();
        line["revision"] = json!(revision);
        line["changed_at"] = json!(changed_at);
        line["previous"] = previous;
        line.to_string()
    };
    let times = ["2492-08-18T10:26:56.640Z", "2004-11-03T19:53:47.776Z"];
    let other_state = json!({ "value": "elsewhere", "description": null, "reason": null });
    vec![
        (with("org_id", json!("rival")), "`org_id` must be telco"),
        (with("kind", json!("key")), "`kind` must be one of category, change"),
        (with("changed_at", json!("2026-01-01T00:00:00Z")), "`changed_at` must be the time in `revision`"),
        (with("revision", json!("x")), "`revision` must be a UUIDv7"),
        (with("previous", json!(null)), "`previous` must be the state before"),
        (with("previous", json!({ "value": 7 })), "`previous` is not right"),
        (with("value", json!("forged")), "another change is here under this revision"),
        (with("extra", json!(1)), "`extra` is not known"),
        (deletion.to_string(), "`name` must be null"),
        (at(earlier, times[1], other_state.clone()), "a later change is here"),
        (at(later, times[0], other_state), "does not follow what is here"),
        (
            json!({ "kind": "policy", "org_id": "telco", "unknown": "accept" }).to_string(),
            "the policy is reject here",
        ),
        (
            json!({
                "kind": "erased_customer",
                "org_id": "telco",
                "customer_hash": "0f",
                "erased_at": times[1],
            })
            .to_string(),
            "`customer_hash` must be 64 hexadecimal digits in lower case",
        ),
        ("{}".to_owned(), "`kind` is required"),
    ]
}

#[tokio::test]
async fn an_import_with_history_refuses_what_does_not_fit() {
    let (place, all) = exported().await;
    assert_eq!(import_changes(&place, "all.jsonl", &[]).code, 0);
    let other = Running::start(&place.path("other.db"));
    let (_, before) = other.request("GET", &format!("{}/historical", path(0)), None).await;
    let lines = misfits(&all);
    place.write("wrong.jsonl", lines.iter().flat_map(|(line, _)| [line, "\n"]).collect::<String>());
    let done = import_changes(&place, "wrong.jsonl", &["--rejected", "why.jsonl"]);
    assert_eq!(
        (done.code, done.output),
        (3, format!("0 imported, 0 there already, {} rejected\n", lines.len()))
    );
    for ((_, problems, _), (line, problem)) in place.rejected_in("why.jsonl").iter().zip(&lines) {
        assert!(problems.contains(problem), "{line}: {problems}");
    }
    assert_eq!(other.request("GET", &format!("{}/historical", path(0)), None).await.1, before);
    assert_eq!(import_changes(&place, "all.jsonl", &["--changed-by", "x"]).code, 2);
}

#[tokio::test]
async fn whoever_came_back_after_an_erasure_is_taken_over_where_the_erasure_is_known() {
    let (place, all) = exported().await;
    let erased = all.lines().filter(|line| line.contains("\"kind\":\"erased_customer\""));
    place.write("erased.jsonl", erased.flat_map(|line| [line, "\n"]).collect::<String>());
    for name in ["erased.jsonl", "all.jsonl"] {
        let done = import_changes(&place, name, &[]);
        assert_eq!(done.code, 0, "{}", done.remarks);
    }
    assert_eq!(export(&place, "other.db", "again.jsonl"), all);
}

#[tokio::test]
async fn an_organisation_that_has_nothing_is_exported_as_nothing() {
    let place = Place::new();
    let done = place.run(&["export", "--org", "telco"]);
    assert_eq!((done.code, done.output.as_str()), (4, ""));
    assert_eq!(done.remarks, "The organisation telco has nothing here.\n");
    place.write("precious", "precious");
    let done = place.run(&["export", "--org", "telco", "--output", "precious"]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(done.remarks.contains("precious can't be written"), "{}", done.remarks);
}

#[tokio::test]
async fn it_is_counted_what_there_is_and_said_what_that_costs() {
    let place = Place::new();
    let empty = "0 customers, 0 categories, 0 changes in history, 0 bytes\n";
    assert_eq!(place.run(&["stats"]).output, empty);
    let carried = |n: usize, id: i32, month: &str| {
        let customer = CUSTOMER.replace("123e4567", &format!("{n:08x}"));
        let at = format!("2025-{month}-15T12:00:00Z");
        json!({ "customer_id": customer, "id": id, "value": "gold", "changed_at": at }).to_string() + "\n"
    };
    let lines = [carried(1, 7, "01"), carried(1, 8, "03"), carried(2, 7, "03"), carried(3, 7, "03")];
    assert_eq!(place.import(lines.concat()).code, 0);
    let server = place.serve();
    let elsewhere = CATEGORIES.replace("telco", "rival");
    server.request("POST", &elsewhere, Some(json!({ "id": 7, "value": "x" }))).await;
    server.request("PATCH", &format!("{elsewhere}/7"), Some(json!({ "value": "y" }))).await;
    server.request("DELETE", &format!("{elsewhere}/7"), None).await;

    let rows = |done: Done| -> Vec<String> {
        assert_eq!(done.code, 0, "{}", done.remarks);
        done.output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let of_telco = rows(place.run(&["stats", "--org", "telco"]));
    assert!(of_telco[0].starts_with("3 customers, 4 categories, 4 changes in history, "), "{of_telco:?}");
    assert_eq!(of_telco[1], "MONTH NEW CUSTOMERS CREATED UPDATED DELETED BYTES OF HISTORY");
    assert!(of_telco[2].starts_with("2025-01 1 1 0 0 "), "{of_telco:?}");
    assert!(of_telco[3].starts_with("2025-03 2 3 0 0 "), "{of_telco:?}");
    assert_eq!(of_telco.len(), 4);

    let mut all = place.command(&["stats", "--table", "customers-categories"]);
    let done = Done::from(on_aws(&mut all, &server).output().unwrap());
    assert!(
        done.remarks.contains("reading it all takes") && done.remarks.contains("USD"),
        "{}",
        done.remarks
    );
    let all = rows(done);
    assert!(all[0].starts_with("4 customers, 4 categories, 7 changes in history, "), "{all:?}");
    assert!(all[4].contains(" 1 1 1 1 "), "{all:?}");
}
