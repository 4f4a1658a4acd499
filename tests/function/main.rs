//! A function's own binary, as Lambda runs it: what it trusts, what it does before its first
//! request, what it logs, and what is left when it is killed while it writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use customers_categories::{Data, Server, server::engine::ANY_LOCAL_PORT};
use emulator::{Database, RuntimeApi};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::process::Function;

const CATEGORIES: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";

fn command(runtime_api: &str, dynamodb: &str) -> Command {
    process::command("update-category", env!("CARGO_BIN_EXE_update-category"), runtime_api, dynamodb)
}

fn patch(value: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../events/update-category.json")).unwrap();
    event["pathParameters"]["category_id"] = json!("7");
    event["body"] = json!(json!({ "value": value }).to_string());
    event
}

fn far_off() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

#[tokio::test]
async fn killed_amid_a_write_it_leaves_that_whole_or_not_at_all() {
    let server = Server::start(&Data::Memory, ANY_LOCAL_PORT, ANY_LOCAL_PORT, &[], &[]).await.unwrap();
    let http = reqwest::Client::new();
    let url = format!("{}{CATEGORIES}", server.url());
    let create =
        http.post(&url).header("x-auth-roles", "API_KEY").json(&json!({ "id": 7, "value": "start" }));
    assert_eq!(create.send().await.unwrap().status(), 201);

    let mut known = 1;
    for life in 0..12 {
        let runtime_api = RuntimeApi::start().await;
        let mut function = Function::start(command(runtime_api.address(), &server.dynamodb_url()));
        let mut acknowledged = 0;
        // From its first answer on, the life lasts a little longer each time, so that it ends in
        // another part of a write.
        let mut end = None;
        loop {
            let event = patch(&format!("{life}.{acknowledged}"));
            tokio::select! {
                invoked = runtime_api.invoke(&event) => assert_eq!(invoked.answer["statusCode"], 204),
                () = sleep_until(end.unwrap_or_else(far_off)) => break,
            }
            acknowledged += 1;
            end.get_or_insert_with(|| Instant::now() + Duration::from_millis(50 + 7 * life));
        }
        function.kill();
        // The database may still be at what it was asked.
        tokio::time::sleep(Duration::from_millis(50)).await;

        let get = async |path: &str| {
            let request = http.get(format!("{url}{path}")).header("x-auth-roles", "API_KEY");
            request.send().await.unwrap().json::<Value>().await.unwrap()
        };
        let history = get("/historical").await;
        let entries = history["history"].as_array().unwrap();
        let least = known + acknowledged;
        assert!(
            (least..=least + 1).contains(&entries.len()),
            "{least} acknowledged, {} there",
            entries.len()
        );
        for pair in entries.windows(2) {
            assert_eq!(pair[0]["previous"]["value"], pair[1]["value"]);
        }
        assert_eq!(get("/7").await["value"], entries[0]["value"]);
        known = entries.len();
    }
    server.stop().await;
}

/// What a function answers whose database is behind TLS with a certificate of an unknown authority.
async fn over_tls(database: &Database, trusted: &[(&str, &Path)]) -> Value {
    let runtime_api = RuntimeApi::start().await;
    let mut command = command(runtime_api.address(), database.url());
    command.envs(trusted.iter().copied());
    let _function = Function::start(command);
    runtime_api.invoke(&patch("gold")).await.answer["statusCode"].take()
}

#[tokio::test]
async fn a_bundle_of_certificates_that_the_environment_names_is_what_counts() {
    let server = Server::start(&Data::Memory, ANY_LOCAL_PORT, ANY_LOCAL_PORT, &[], &[]).await.unwrap();
    let database = Database::start(&server.dynamodb_url()).await;
    let directory = tempfile::tempdir().unwrap();
    let (right, wrong) = (directory.path().join("right.pem"), directory.path().join("wrong.pem"));
    fs::write(&right, database.root()).unwrap();
    fs::write(&wrong, include_str!("../../shared/src/store/amazon-roots.pem")).unwrap();

    // 404, for there is no such category: the database has answered.
    assert_eq!(over_tls(&database, &[("AWS_CA_BUNDLE", &right)]).await, 404);
    assert_eq!(over_tls(&database, &[("SSL_CERT_FILE", &right)]).await, 404);
    let both = [("AWS_CA_BUNDLE", right.as_path()), ("SSL_CERT_FILE", &wrong)];
    assert_eq!(over_tls(&database, &both).await, 404);

    assert_eq!(over_tls(&database, &[]).await, 503);
    assert_eq!(over_tls(&database, &[("AWS_CA_BUNDLE", &wrong), ("SSL_CERT_FILE", &right)]).await, 503);
    server.stop().await;
}

#[test]
fn a_bundle_of_no_use_ends_the_function_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let (missing, empty) = (directory.path().join("missing.pem"), directory.path().join("empty.pem"));
    let broken = directory.path().join("broken.pem");
    fs::write(&empty, "").unwrap();
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for bundle in [missing, empty, broken] {
        let mut command = command("127.0.0.1:1", "http://127.0.0.1:1");
        let Output { status, stderr, .. } = command.env("AWS_CA_BUNDLE", &bundle).output().unwrap();
        assert!(!status.success());
        let said = String::from_utf8(stderr).unwrap();
        let named = format!("the file {}, named by AWS_CA_BUNDLE: ", bundle.display());
        assert!(said.contains(&named) && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_missing_variable_ends_the_function_with_its_name() {
    for name in ["CATEGORIES_TABLE", "KEYS_TABLE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    {
        let mut command = command("127.0.0.1:1", "http://127.0.0.1:1");
        let Output { status, stderr, .. } =
            command.env_remove("AWS_DEFAULT_REGION").env_remove(name).output().unwrap();
        assert!(!status.success());
        let said = String::from_utf8(stderr).unwrap();
        assert!(said.contains(&format!("the environment variable {name} is not set")), "{said}");
    }
}

#[tokio::test]
async fn the_connection_is_open_before_the_first_request_and_stays_the_only_one() {
    let server = Server::start(&Data::Memory, ANY_LOCAL_PORT, ANY_LOCAL_PORT, &[], &[]).await.unwrap();
    let database = Database::start(&server.dynamodb_url()).await;
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    fs::write(&roots, database.root()).unwrap();
    let runtime_api = RuntimeApi::start().await;
    let mut command = command(runtime_api.address(), database.url());
    let _function = Function::start({
        command.env("AWS_CA_BUNDLE", &roots);
        command
    });

    runtime_api.asked().await;
    let before = database.served();
    assert_eq!((before.connections, before.operations()), (1, vec!["GetItem".to_owned()]));
    for _ in 0..3 {
        runtime_api.invoke(&patch("gold")).await;
    }
    let during = database.served();
    // The API key once, the category three times.
    assert_eq!((during.connections, during.operations()), (0, vec!["GetItem".to_owned(); 4]));
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_is_away_does_not_keep_a_function_from_starting() {
    let runtime_api = RuntimeApi::start().await;
    let _function = Function::start(command(runtime_api.address(), "http://127.0.0.1:1"));
    assert_eq!(runtime_api.invoke(&patch("gold")).await.answer["statusCode"], 503);
}

/// What the function writes to standard output for one request under these variables.
async fn logged(server: &Server, variables: &[(&str, &str)], status: u16) -> Vec<String> {
    let runtime_api = RuntimeApi::start().await;
    let mut command = command(runtime_api.address(), &server.dynamodb_url());
    command.envs(variables.iter().copied()).stdout(Stdio::piped());
    let mut function = Function::start(command);
    let invoked = runtime_api.invoke(&patch("changed")).await;
    assert_eq!(invoked.answer["statusCode"], status);
    function.kill();
    let mut logged = String::new();
    function.child.stdout.take().unwrap().read_to_string(&mut logged).unwrap();
    logged.lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn it_logs_as_lambdas_configuration_says() {
    const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
    const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";
    let server = Server::start(&Data::Memory, ANY_LOCAL_PORT, ANY_LOCAL_PORT, &[], &[]).await.unwrap();
    let create = reqwest::Client::new().post(format!("{}{CATEGORIES}", server.url()));
    let create = create.header("x-auth-roles", "API_KEY").json(&json!({ "id": 7, "value": "start" }));
    assert_eq!(create.send().await.unwrap().status(), 201);
    let well = async |variables: &[(&str, &str)]| logged(&server, variables, 204).await;
    let broken = async |variables: &[(&str, &str)]| {
        logged(&server, &[variables, &[("CATEGORIES_TABLE", "elsewhere")]].concat(), 500).await
    };

    let lines = well(&[(FORMAT, "JSON"), (LEVEL, "INFO")]).await;
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        json!([line["level"], line["operation"], line["status"], line["trace_id"], line["cold_start"]]),
        json!(["INFO", "update-category", 204, null, true])
    );
    let lines = broken(&[(FORMAT, "JSON")]).await;
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(line["fault"].as_str().unwrap().starts_with("GetItem: ResourceNotFoundException"), "{line}");

    assert_eq!(well(&[(FORMAT, "JSON"), (LEVEL, "WARN")]).await, [""; 0]);
    assert_eq!(well(&[(FORMAT, "JSON"), (LEVEL, "INFO"), ("LOG_LEVEL", "WARN")]).await, [""; 0]);
    assert_eq!(broken(&[(FORMAT, "JSON"), (LEVEL, "WARN")]).await.len(), 1);
    assert_eq!(broken(&[(FORMAT, "JSON"), (LEVEL, "FATAL")]).await, [""; 0]);

    for text in [&[(FORMAT, "Text")][..], &[]] {
        let lines = well(text).await;
        let [line] = lines.as_slice() else { panic!("{lines:#?}") };
        assert!(line.contains(" INFO request_id=") && line.contains(" status=204 "), "{line}");
        assert!(!line.contains('{'), "{line}");
    }
    assert_eq!(well(&[(FORMAT, "Text"), (LEVEL, "ERROR")]).await, [""; 0]);
    server.stop().await;
}
