//! The operator's commands on the catalogue.

use std::fs;

use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Done, Place, on_aws},
    running::{CATEGORIES, Running},
};

const DEFINITIONS: &str = "/v4/orgs/telco/categories";

fn catalogue(place: &Place, arguments: &[&str]) -> Done {
    place.run(&[&["catalogue"], arguments, &["--org", "telco"]].concat())
}

/// Runs a survey; returns the words of each line.
fn survey(place: &Place, arguments: &[&str]) -> Vec<String> {
    let done = catalogue(place, &[&["survey"], arguments].concat());
    assert_eq!(done.code, 0, "{}", done.remarks);
    words(&done.output)
}

fn words(output: &str) -> Vec<String> {
    output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The `n`th customer.
fn customer(n: usize) -> String {
    CUSTOMER.replace("123e4567", &format!("{n:08x}"))
}

/// A line of an import that gives the `n`th customer a category.
fn carried(n: usize, id: i32, value: impl Into<Value>) -> String {
    json!({ "customer_id": customer(n), "id": id, "value": value.into() }).to_string() + "\n"
}

async fn post(server: &Running, path: &str, body: Value) -> u16 {
    server.request("POST", path, Some(body)).await.0
}

#[tokio::test]
async fn the_policy_is_shown_and_set_whether_the_server_runs_or_not() {
    let place = Place::new();
    let policy = |org: &str, arguments: &[&str]| {
        place.run(&[&["catalogue", "policy", "--org", org], arguments].concat())
    };
    let shown = |org: &str| policy(org, &[]).output;
    assert_eq!(shown("telco"), "accept\n");
    let done = policy("telco", &["--unknown", "reject"]);
    assert_eq!((done.code, done.output.as_str()), (0, ""));
    assert!(done.remarks.contains("rejected from now on, everywhere within 30 seconds"), "{}", done.remarks);
    assert_eq!([shown("telco"), shown("rival")], ["reject\n", "accept\n"]);

    let server = place.serve();
    assert_eq!(post(&server, CATEGORIES, json!({ "id": 7, "value": "gold" })).await, 404);
    assert_eq!(shown("telco"), "reject\n");
    let done = policy("telco", &["--unknown", "accept"]);
    assert!(done.remarks.contains("accepted from now on"), "{}", done.remarks);
    // What has not been looked up yet is accepted at once.
    assert_eq!(post(&server, CATEGORIES, json!({ "id": 8, "value": "gold" })).await, 201);

    let done = policy("telco", &["--unknown", "refuse"]);
    assert_eq!(done.code, 2);
    assert!(done.remarks.contains("must be accept or reject"), "{}", done.remarks);
}

/// Lines of an import, and what is wrong with each; nothing, where that is empty.
const LINES: [(&str, &str); 13] = [
    (
        r#"{"id": 7, "name": "Tier", "description": "Loyalty", "valid_values": ["silver", "gold"], "reason": "Start"}"#,
        "",
    ),
    (
        r#"{"id": 8, "name": "VIP", "description": null, "valid_values": [], "archived": null, "reason": null}"#,
        "",
    ),
    (r#"{"id": 9, "name": "Old", "valid_values": null, "archived": true}"#, ""),
    (
        r#"{"name": "Tier", "id": 7, "reason": "Start", "valid_values": ["silver", "gold"], "description": "Loyalty", "archived": false}"#,
        "",
    ),
    (r#"{"id": 7, "name": "Tier"}"#, "the catalogue defines this category with other content"),
    (r#"{"id": 10, "name": " TIER"}"#, "category 7 has this name, or one that looks the same"),
    (
        r#"{"id": null, "name": null}"#,
        "`id` must be an integer from -2147483648 to 2147483647; `name` must be a string",
    ),
    (r#"{"id": 10}"#, "`name` is required"),
    (
        r#"{"id": 10, "name": "", "valid_values": ["a", "a"], "value": "b"}"#,
        "`name` must have a character that can be seen; `valid_values` [1] repeats a value; `value` is not known",
    ),
    (r#"{"id": 10, "name": "Score", "customer_id": null}"#, "`customer_id` is not known"),
    ("[]", "the line must be a JSON object"),
    ("", ""),
    (r#"{"id": -1, "name": "Churn risk"}"#, ""),
];

#[tokio::test]
async fn definitions_are_imported_and_nothing_is_overwritten() {
    let place = Place::new();
    place.write("definitions.jsonl", LINES.map(|(line, _)| line).join("\n"));
    let import = || catalogue(&place, &["import", "definitions.jsonl", "--changed-by", "migration"]);
    let server = place.serve();
    for counted in ["4 imported, 1 there already", "0 imported, 5 there already"] {
        let done = import();
        assert_eq!((done.code, done.output), (3, format!("{counted}, 7 rejected\n")), "{}", done.remarks);
        assert_eq!(done.remarks, "definitions.rejected.jsonl says which lines were rejected, and why.\n");
        let rejected = place.rejected_in("definitions.rejected.jsonl");
        let expected = (1..).zip(LINES).filter(|(_, (_, problem))| !problem.is_empty());
        assert_eq!(rejected.len(), 7);
        for ((number, problems, text), (expected_number, (line, problem))) in rejected.iter().zip(expected) {
            assert_eq!((*number, text.as_str()), (expected_number, line));
            assert!(problems.contains(problem), "{problems}");
        }
    }

    let (_, list) = server.request("GET", DEFINITIONS, None).await;
    let list = list["categories"].as_array().unwrap();
    let ids: Vec<_> = list.iter().map(|definition| definition["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [-1, 7, 8, 9]);
    assert_eq!(list[1]["valid_values"], json!(["silver", "gold"]));
    assert_eq!((&list[2]["valid_values"], &list[3]["archived"]), (&json!([]), &json!(true)));
    let (_, history) = server.request("GET", &format!("{DEFINITIONS}/historical"), None).await;
    let history = history["history"].as_array().unwrap();
    // In the file's order, each by one entry.
    let changed: Vec<_> = history.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert_eq!(changed, [-1, 9, 8, 7]);
    assert!(history.iter().all(|entry| entry["changed_by"] == "migration" && entry["change"] == "created"));
    // Callers are held to what was imported.
    assert_eq!(post(&server, CATEGORIES, json!({ "id": 7, "value": "lead" })).await, 400);
    assert_eq!(post(&server, CATEGORIES, json!({ "id": 9, "value": "gold" })).await, 404);
    assert_eq!(post(&server, DEFINITIONS, json!({ "id": 11, "name": "tier" })).await, 409);
}

#[tokio::test]
async fn an_import_changes_nothing_that_was_changed_or_deleted_since() {
    let place = Place::new();
    place.write("definitions.jsonl", "{\"id\": 7, \"name\": \"Tier\"}\n{\"id\": 8, \"name\": \"VIP\"}");
    assert_eq!(catalogue(&place, &["import", "definitions.jsonl"]).code, 0);
    let server = place.serve();
    let (status, _) =
        server.request("PATCH", &format!("{DEFINITIONS}/7"), Some(json!({ "name": "Level" }))).await;
    assert_eq!(status, 204);
    assert_eq!(server.request("DELETE", &format!("{DEFINITIONS}/8"), None).await.0, 204);
    let (_, history) = server.request("GET", &format!("{DEFINITIONS}/historical"), None).await;
    let done = catalogue(&place, &["import", "definitions.jsonl", "--rejected", "why.jsonl"]);
    assert_eq!((done.code, done.output.as_str()), (3, "0 imported, 0 there already, 2 rejected\n"));
    let [(1, changed, _), (2, deleted, _)] = &place.rejected_in("why.jsonl")[..] else { panic!() };
    assert_eq!(changed, "the catalogue defines this category with other content");
    assert!(deleted.starts_with("the definition was deleted at 2"), "{deleted}");
    assert_eq!(server.request("GET", &format!("{DEFINITIONS}/historical"), None).await.1, history);
}

#[test]
fn mistakes_with_an_import_of_definitions_name_its_own_command() {
    let place = Place::new();
    place.write("definitions.jsonl", r#"[{"id": 7, "name": "Tier"}]"#);
    let done = catalogue(&place, &["import", "definitions.jsonl"]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    let command = "`jq -c '.[]' definitions.jsonl | customers-categories catalogue import -`";
    assert!(done.remarks.contains(command), "{}", done.remarks);
    let done = catalogue(&place, &["import", "missing.jsonl"]);
    assert_eq!((done.code, done.remarks.lines().count()), (1, 1));
    assert!(done.remarks.contains("missing.jsonl can't be read"), "{}", done.remarks);
}

/// Categories of some customers, of whom one was erased, and of other organisations.
async fn furnish(place: &Place, server: &Running) {
    let lines = [
        carried(1, 7, "gold"),
        carried(2, 7, "gold"),
        carried(3, 7, "lead"),
        carried(4, 7, Value::Null),
        carried(1, -8, Value::Null),
        carried(2, 9, "a"),
        carried(3, 10, "old\u{1b}[31m"),
        carried(1, 11, "changed"),
        carried(2, 11, "deleted"),
        carried(5, 12, "erased"),
    ];
    let done = place.import(lines.concat());
    assert_eq!((done.code, done.output.as_str()), (0, "10 imported, 0 there already, 0 rejected\n"));
    let path = |n| CATEGORIES.replace(CUSTOMER, &customer(n));
    let patch = Some(json!({ "value": "b" }));
    assert_eq!(server.request("PATCH", &format!("{}/11", path(1)), patch).await.0, 204);
    assert_eq!(server.request("DELETE", &format!("{}/11", path(2)), None).await.0, 204);
    let erase = ["customers", "erase", "--yes", "--org", "telco", "--customer", &customer(5)];
    assert_eq!(place.run(&erase).code, 0);
    for org in ["rival", "telco2", "telc"] {
        let elsewhere = path(1).replace("telco", org);
        assert_eq!(post(server, &elsewhere, json!({ "id": 7, "value": "theirs" })).await, 201);
    }
}

#[tokio::test]
async fn a_survey_shows_what_is_carried_beside_what_is_defined() {
    let place = Place::new();
    assert_eq!(survey(&place, &[]), [] as [&str; 0]);
    let server = place.serve();
    furnish(&place, &server).await;
    let header = "ID NAME CARRIERS VALUES VIOLATIONS";
    assert_eq!(
        survey(&place, &[]),
        [
            header,
            "-8 1 null 1",
            r#"7 4 "gold" 2, null 1, "lead" 1"#,
            r#"9 1 "a" 1"#,
            r#"10 1 "old\u{1b}[31m" 1"#,
            r#"11 1 "b" 1"#,
        ]
    );

    for definition in [
        json!({ "id": 1, "name": "Never carried" }),
        json!({ "id": 7, "name": "Tier \u{202e}", "valid_values": ["silver", "gold"] }),
        json!({ "id": 9, "name": "Campaign", "archived": true }),
        json!({ "id": -8, "name": "VIP", "valid_values": [] }),
    ] {
        assert_eq!(post(&server, DEFINITIONS, definition).await, 201);
    }
    assert_eq!(catalogue(&place, &["policy", "--unknown", "reject"]).code, 0);
    let expected = [
        header,
        r#"-8 "VIP" 1 null 1"#,
        r#"1 "Never carried" 0"#,
        r#"7 "Tier \u{202e}" 4 "gold" 2, null 1, "lead" 1 1 not valid: "lead" 1"#,
        r#"9 "Campaign" 1 "a" 1 1 archived"#,
        r#"10 1 "old\u{1b}[31m" 1 1 not defined"#,
        r#"11 1 "b" 1 1 not defined"#,
    ];
    assert_eq!(survey(&place, &[]), expected);
    let survey_table = ["catalogue", "survey", "--org", "telco", "--table", "customers-categories"];
    let done = Done::from(on_aws(&mut place.command(&survey_table), &server).output().unwrap());
    assert_eq!((done.code, done.remarks.as_str()), (0, ""));
    assert_eq!(words(&done.output), expected);
    server.signal("-TERM");
    assert_eq!(survey(&place, &[]), expected);
}

#[test]
fn a_draft_defines_what_is_carried_so_that_all_of_it_is_valid() {
    let place = Place::new();
    let longest = |n: usize| format!("{n:03}{}", "\u{1f600}".repeat(252));
    let mut lines = vec![
        carried(1, 1, "silver"),
        carried(2, 1, "gold"),
        carried(3, 1, Value::Null),
        carried(1, 2, Value::Null),
        carried(1, 3, ""),
        carried(2, 3, "a"),
        carried(1, 7, "gold"),
    ];
    lines.extend((0..100).map(|n| carried(n, 4, n.to_string())));
    lines.extend((0..101).map(|n| carried(n, 5, n.to_string())));
    lines.extend((0..80).map(|n| carried(n, 6, longest(n))));
    let lines = lines.concat();
    assert_eq!(place.import(&lines).code, 0);
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    assert_eq!(catalogue(&place, &["import", "definitions.jsonl"]).code, 0);

    let done = catalogue(&place, &["survey", "--draft", "draft.jsonl"]);
    assert_eq!(done.remarks, "draft.jsonl defines 6 categories; `catalogue import` takes it.\n");
    assert_eq!(place.mode("draft.jsonl"), 0o600);
    let draft = fs::read_to_string(place.path("draft.jsonl")).unwrap();
    let mut all: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    all.sort();
    let valid = [json!(["gold", "silver"]), json!([]), json!(null), json!(all), json!(null), json!(null)];
    for ((id, line), valid) in (1..).zip(draft.lines()).zip(&valid) {
        let line: Value = serde_json::from_str(line).unwrap();
        let expected =
            json!({ "id": id, "name": format!("Category {id}"), "description": null, "valid_values": valid });
        assert_eq!(line, expected);
    }
    assert_eq!(draft.lines().count(), valid.len());

    // It is taken as it stands, also into another data file, and then all that is carried can be.
    place.make("other.db");
    for data in ["data.db", "other.db"] {
        for counted in ["6 imported, 0 there already", "0 imported, 6 there already"] {
            let done = catalogue(&place, &["import", "draft.jsonl", "--data", data]);
            assert_eq!((done.code, done.output), (0, format!("{counted}, 0 rejected\n")), "{}", done.remarks);
        }
        assert_eq!(catalogue(&place, &["policy", "--unknown", "reject", "--data", data]).code, 0);
    }
    let done = place.run(&["import", "categories.jsonl", "--org", "telco", "--data", "other.db"]);
    assert_eq!((done.code, done.output.as_str()), (3, "287 imported, 0 there already, 1 rejected\n"));
    for line in survey(&place, &[]).iter().skip(1) {
        assert!(!line.contains("not valid") && !line.contains("not defined"), "{line}");
    }

    // Nothing is left to be drafted; nothing is replaced, and that is told before anything is read.
    let done = catalogue(&place, &["survey", "--draft", "draft.jsonl"]);
    assert_eq!((done.code, done.output.as_str()), (1, ""));
    assert!(done.remarks.contains("draft.jsonl can't be written"), "{}", done.remarks);
    let done = catalogue(&place, &["survey", "--draft", "empty.jsonl"]);
    assert_eq!(done.remarks, "empty.jsonl defines 0 categories; `catalogue import` takes it.\n");
    assert_eq!(fs::read(place.path("empty.jsonl")).unwrap(), b"");
    assert_eq!(fs::read_to_string(place.path("draft.jsonl")).unwrap(), draft);
}

#[test]
fn of_very_many_values_the_first_thousand_are_told_apart() {
    let place = Place::new();
    let long = "x".repeat(255);
    let mut lines: Vec<_> = (0..1003).map(|n| carried(n, 7, format!("value {n}"))).collect();
    lines.extend((2000..2003).flat_map(|n| [carried(n, 8, "gold"), carried(n, 9, long.as_str())]));
    assert_eq!(place.import(lines.concat()).code, 0);
    let done = catalogue(&place, &["survey", "--draft", "draft.jsonl"]);
    assert_eq!(done.code, 0, "{}", done.remarks);
    let rows = words(&done.output);
    assert!(
        rows[1].starts_with("7 1003 \"value ") && rows[1].ends_with(" 1, more than 995 more"),
        "{}",
        rows[1]
    );
    let shortened = format!("9 3 \"{}\"… 3", "x".repeat(40));
    assert_eq!(rows[2..], ["8 3 \"gold\" 3".to_owned(), shortened]);
    let told = "Of category 7, 1000 distinct values are told apart; further ones are carried 3 times.\n";
    assert!(done.remarks.starts_with(told), "{}", done.remarks);
    let draft = fs::read_to_string(place.path("draft.jsonl")).unwrap();
    assert!(
        draft.starts_with(r#"{"id":7,"name":"Category 7","description":null,"valid_values":null}"#),
        "{draft}"
    );
}
