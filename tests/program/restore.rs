//! `restore`: taking back what was changed since a moment.

use std::{collections::BTreeMap, fs, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    place::{CUSTOMER, Done, Place, on_aws, port},
    running::{CATEGORIES, Running},
};

/// A server, and callers who change what customers carry.
struct Scene {
    place: Place,
    server: Running,
    keys: BTreeMap<&'static str, String>,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let keys = ["crm", "leaked"].map(|name| {
            let create = ["keys", "create", "--name", name, "--org", "telco", "--org", "rival"];
            let roles = ["--role", "categories:read", "--role", "categories:write"];
            (name, place.run(&[&create[..], &roles].concat()).output.trim_end().to_owned())
        });
        let server = place.serve();
        Self { place, server, keys: keys.into() }
    }

    async fn call(&self, by: &str, method: Method, path: &str, body: Option<Value>) {
        let key = self.keys.get(by).map_or(by, String::as_str);
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.server.url));
        let request = request.header("x-auth-roles", key);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    async fn create(&self, by: &str, customer: usize, id: i32, value: &str) {
        let body = json!({ "id": id, "value": value, "description": "as it was", "reason": "first" });
        self.call(by, Method::POST, &path(customer), Some(body)).await;
    }

    async fn change(&self, by: &str, customer: usize, id: i32, value: &str) {
        let body = json!({ "value": value, "description": null, "reason": "mistake" });
        self.call(by, Method::PATCH, &format!("{}/{id}", path(customer)), Some(body)).await;
    }

    async fn delete(&self, by: &str, customer: usize, id: i32) {
        self.call(by, Method::DELETE, &format!("{}/{id}", path(customer)), None).await;
    }

    /// The present; other changes are at other times.
    async fn now(&self) -> String {
        tokio::time::sleep(Duration::from_millis(5)).await;
        // A time that the server tells is in its own form.
        let probe = format!("/v4/orgs/clock/customers/{CUSTOMER}/categories");
        let id = fastrand_id();
        self.call("API_KEY", Method::POST, &probe, Some(json!({ "id": id, "value": null }))).await;
        let (_, probed) = self.server.request("GET", &format!("{probe}/{id}"), None).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        probed["created_at"].as_str().unwrap().to_owned()
    }

    /// What customers carry: id, value, description and reason.
    async fn carried(&self, customers: std::ops::Range<usize>) -> Vec<Vec<[Value; 4]>> {
        let mut all = Vec::new();
        for customer in customers {
            let (_, list) = self.server.request("GET", &path(customer), None).await;
            let categories = list["categories"].as_array().cloned().unwrap_or_default();
            let members = ["id", "value", "description", "reason"];
            all.push(
                categories.iter().map(|category| members.map(|member| category[member].clone())).collect(),
            );
        }
        all
    }

    fn restore(&self, arguments: &[&str]) -> Done {
        self.place.run(&[&["restore", "--org", "telco"], arguments].concat())
    }

    /// The outcomes in a summary: customer, id, outcome, why.
    fn summary(&self, name: &str) -> Vec<(usize, i64, String, String)> {
        let text = fs::read_to_string(self.place.path(name)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut outcomes: Vec<_> = lines
            .map(|line| {
                let customer =
                    usize::from_str_radix(&line["customer_id"].as_str().unwrap()[..8], 16).unwrap();
                let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
                (customer, line["id"].as_i64().unwrap(), text("outcome"), text("why"))
            })
            .collect();
        outcomes.sort();
        outcomes
    }
}

fn fastrand_id() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos()
}

/// The categories of the `n`th customer.
fn path(n: usize) -> String {
    CATEGORIES.replace("123e4567", &format!("{n:08x}"))
}

#[tokio::test]
async fn what_a_leaked_key_has_changed_is_as_it_was_and_others_changes_stay() {
    let scene = Scene::new();
    for customer in 0..5 {
        scene.create("crm", customer, 7, "gold").await;
    }
    scene.create("leaked", 0, 8, "rightly").await;
    let as_of = scene.now().await;
    let before = scene.carried(0..5).await;
    // Changed, deleted, deleted and made anew, made, and what another has changed since.
    scene.change("leaked", 0, 7, "wrong").await;
    scene.change("leaked", 0, 7, "worse").await;
    scene.delete("leaked", 1, 7).await;
    scene.delete("leaked", 2, 7).await;
    scene.create("leaked", 2, 7, "false").await;
    scene.create("leaked", 3, 9, "made up").await;
    scene.change("leaked", 4, 7, "wrong").await;
    scene.change("crm", 4, 7, "right").await;
    scene.change("crm", 3, 7, "of no concern").await;
    let rival = path(0).replace("telco", "rival");
    scene.call("leaked", Method::POST, &rival, Some(json!({ "id": 7, "value": "theirs" }))).await;
    let wrong = scene.carried(0..5).await;
    assert_ne!(wrong, before);

    let of_leaked = ["--changed-by", "leaked", "--as-of", &as_of];
    let done = scene.restore(&[&of_leaked[..], &["--dry-run", "--summary", "dry.jsonl"]].concat());
    assert_eq!(
        (done.code, done.output.as_str()),
        (3, "4 would be restored, 0 as they were already, 1 left alone\n"),
        "{}",
        done.remarks
    );
    assert_eq!(scene.carried(0..5).await, wrong);

    let done = scene.restore(&[&of_leaked[..], &["--summary", "done.jsonl"]].concat());
    assert_eq!(done.output, "4 restored, 0 as they were already, 1 left alone\n", "{}", done.remarks);
    assert_eq!(done.code, 3);
    assert_eq!(done.remarks, "done.jsonl says what became of each category.\n");
    let after = scene.carried(0..5).await;
    assert_eq!(after[..3], before[..3]);
    let said = |customer: usize, id: i64| {
        after[customer].iter().find(|category| category[0] == json!(id)).map(|category| category[1].clone())
    };
    assert_eq!(
        [said(3, 7), said(3, 9), said(4, 7)],
        [Some(json!("of no concern")), None, Some(json!("right"))]
    );
    let outcomes = scene.summary("done.jsonl");
    let told: Vec<_> =
        outcomes.iter().map(|(customer, id, outcome, _)| (*customer, *id, outcome.as_str())).collect();
    let restored = "restored";
    assert_eq!(
        told,
        [(0, 7, restored), (1, 7, restored), (2, 7, restored), (3, 9, restored), (4, 7, "left_alone")]
    );
    assert!(outcomes[4].3.starts_with("crm changed it at 2"), "{outcomes:?}");
    let (status, theirs) = scene.server.request("GET", &format!("{rival}/7"), None).await;
    assert_eq!((status, &theirs["value"]), (200, &json!("theirs")));

    // Ordinary changes, with author and reason.
    let (_, history) = scene.server.request("GET", &format!("{}/historical", path(3)), None).await;
    let entry = &history["history"][0];
    assert_eq!((&entry["change"], &entry["changed_by"]), (&json!("deleted"), &json!("restore")));
    assert_eq!(entry["reason"], format!("restored as of {as_of}"));
    assert_eq!(entry["previous"]["value"], "made up");

    // Run again, it has nothing to do; and the summary replaces nothing.
    let again = scene.restore(&[&of_leaked[..], &["--summary", "done.jsonl"]].concat());
    assert_eq!(again.code, 1);
    assert!(again.remarks.contains("done.jsonl can't be written"), "{}", again.remarks);
    let again = scene.restore(&[&of_leaked[..], &["--summary", "again.jsonl"]].concat());
    assert_eq!(again.output, "0 restored, 4 as they were already, 1 left alone\n", "{}", again.remarks);
    assert_eq!(scene.carried(0..5).await, after);
}

#[tokio::test]
async fn a_customer_is_as_they_were_in_a_table_and_through_its_server() {
    let scene = Scene::new();
    scene.create("crm", 0, 7, "gold").await;
    scene.create("crm", 0, 8, "risk").await;
    scene.create("crm", 1, 7, "silver").await;
    let as_of = scene.now().await;
    let before = scene.carried(0..2).await;
    scene.change("crm", 0, 7, "wrong").await;
    scene.delete("leaked", 0, 8).await;
    scene.change("crm", 1, 7, "not asked for").await;
    let until = scene.now().await;
    let customer = CUSTOMER.replace("123e4567", "00000000");
    let arguments =
        ["restore", "--org", "telco", "--customer", &customer, "--as-of", &as_of, "--until", &until];
    let named = ["--table", "customers-categories", "--author", "operator", "--reason", "Ticket 4711"];
    let mut restore = scene.place.command(&[&arguments[..], &named].concat());
    let done = Done::from(on_aws(&mut restore, &scene.server).output().unwrap());
    assert_eq!((done.code, done.output.as_str()), (0, "2 restored, 0 as they were already, 0 left alone\n"));
    let after = scene.carried(0..2).await;
    for (after, before) in after[0].iter().zip(&before[0]) {
        assert_eq!(after[..3], before[..3]);
        assert_eq!(after[3], "Ticket 4711");
    }
    assert_eq!(after[1][0][1], "not asked for");
    let (_, history) = scene.server.request("GET", &format!("{}/historical", path(0)), None).await;
    assert_eq!(history["history"][0]["changed_by"], "operator");
    // The time is in the name that it has by itself.
    let mut files = fs::read_dir(scene.place.path(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(files.any(|name| name.starts_with("restore-2") && name.ends_with("Z.jsonl")));

    // What was changed after `--until` is left alone.
    scene.change("crm", 0, 7, "later").await;
    let done = scene.place.run(
        &[
            &arguments[..],
            &["--author", "operator", "--reason", "Ticket 4711", "--dynamodb-port", port(&scene.server)],
        ]
        .concat(),
    );
    assert_eq!(
        (done.code, done.output.as_str()),
        (3, "0 restored, 1 as they were already, 1 left alone\n"),
        "{}",
        done.remarks
    );
    assert_eq!(scene.carried(0..1).await[0][0][1], "later");
}

#[tokio::test]
async fn the_catalogue_is_asked_and_mistakes_write_nothing() {
    let scene = Scene::new();
    scene.create("crm", 0, 7, "gold").await;
    let as_of = scene.now().await;
    let customer = CUSTOMER.replace("123e4567", "00000000");
    let of_customer = ["--customer", &customer, "--as-of", &as_of];
    let done = scene.restore(&of_customer);
    assert_eq!((done.code, done.output.as_str()), (4, "0 restored, 0 as they were already, 0 left alone\n"));
    scene.change("crm", 0, 7, "silver").await;
    let define = json!({ "id": 7, "name": "Tier", "valid_values": ["silver"] });
    scene.call("API_KEY", Method::POST, "/v4/orgs/telco/categories", Some(define)).await;
    let before = scene.carried(0..1).await;
    let done = scene.restore(&[&of_customer[..], &["--summary", "refused.jsonl"]].concat());
    assert_eq!((done.code, done.output.as_str()), (3, "0 restored, 0 as they were already, 1 left alone\n"));
    assert!(scene.summary("refused.jsonl")[0].3.contains("is not valid for category 7"));

    for (arguments, code, problem) in [
        (
            &["--customer", &customer, "--as-of", "2099-01-01T00:00:00Z"][..],
            1,
            "`--as-of` must be before `--until`",
        ),
        (&[&of_customer[..], &["--until", "2099-01-01T00:00:00Z"]].concat(), 1, "that not in the future"),
        (
            &["--changed-by", "restore", "--as-of", &as_of],
            1,
            "`--author` must be another name than `--changed-by`",
        ),
        (&["--as-of", &as_of], 2, "--customer <UUID>|--changed-by <NAME>"),
        (&["--customer", &customer], 2, "--as-of <TIME>"),
        (&[&of_customer[..], &["--changed-by", "crm"]].concat(), 2, "cannot be used with"),
        (&["--customer", &customer, "--as-of", "yesterday"], 2, "--as-of <TIME>"),
    ] {
        let done = scene.restore(arguments);
        assert_eq!((done.code, done.output.as_str()), (code, ""), "{arguments:?} {}", done.remarks);
        assert!(done.remarks.contains(problem), "{arguments:?}: {}", done.remarks);
    }
    assert_eq!(scene.carried(0..1).await, before);
    assert_eq!(scene.place.unfinished(), [] as [std::path::PathBuf; 0]);
}
