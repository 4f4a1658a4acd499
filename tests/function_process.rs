//! A function's own binary, as Lambda runs it: killed while it writes, and what it logs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::HashMap,
    io::Read,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use local::{Data, Server, engine, server};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    time::{Instant, sleep_until},
};

const CATEGORIES: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";

const TRACE: &str = "1-6922ac18-1f2e3d4c5b6a798801234567";

/// Lambda's Runtime API, as far as a function needs it: one invocation at a time.
#[derive(Clone, Default)]
struct RuntimeApi {
    waiting: Arc<Mutex<Option<(String, Value)>>>,
    arrived: Arc<Notify>,
    answers: Arc<Mutex<HashMap<String, oneshot::Sender<Value>>>>,
}

impl RuntimeApi {
    fn serve(&self) -> String {
        let listener = TcpListener::from_std(engine::bind(0).unwrap()).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// Hands an event to the function; the answer comes if the function lives to give it.
    fn invoke(&self, id: String, event: Value) -> oneshot::Receiver<Value> {
        let (sender, receiver) = oneshot::channel();
        self.answers.lock().unwrap().insert(id.clone(), sender);
        *self.waiting.lock().unwrap() = Some((id, event));
        self.arrived.notify_one();
        receiver
    }

    /// Nobody is there any more to take what waits, or to answer.
    fn forget(&self) {
        self.waiting.lock().unwrap().take();
        self.answers.lock().unwrap().clear();
    }
}

async fn next(State(api): State<RuntimeApi>) -> impl IntoResponse {
    loop {
        let taken = api.waiting.lock().unwrap().take();
        if let Some((id, event)) = taken {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let deadline = (since_epoch + Duration::from_secs(15)).as_millis().to_string();
            let headers = [
                ("lambda-runtime-aws-request-id", id),
                ("lambda-runtime-deadline-ms", deadline),
                ("lambda-runtime-trace-id", format!("Root={TRACE};Parent=1f2e3d4c5b6a7988;Sampled=0")),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:1:function:f".to_owned()),
            ];
            return (headers, event.to_string());
        }
        api.arrived.notified().await;
    }
}

async fn answered(State(api): State<RuntimeApi>, Path(id): Path<String>, body: String) -> StatusCode {
    if let Some(invoked) = api.answers.lock().unwrap().remove(&id) {
        let _gone = invoked.send(serde_json::from_str(&body).unwrap());
    }
    StatusCode::ACCEPTED
}

fn function(runtime_api: &str, dynamodb: &str) -> Command {
    let tables = server::tables();
    let mut function = Command::new(env!("CARGO_BIN_EXE_update-category"));
    function
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "update-category")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb)
        .env("CATEGORIES_TABLE", tables.categories)
        .env("KEYS_TABLE", tables.keys);
    function
}

fn start(runtime_api: &str, dynamodb: &str) -> Child {
    function(runtime_api, dynamodb).stdout(Stdio::null()).spawn().unwrap()
}

fn patch(value: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../events/update-category.json")).unwrap();
    event["pathParameters"]["category_id"] = json!("7");
    event["body"] = json!(json!({ "value": value }).to_string());
    event
}

fn far_off() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

#[tokio::test]
async fn killed_amid_a_write_it_leaves_that_whole_or_not_at_all() {
    let server = Server::start(&Data::Memory, 0, 0).await.unwrap();
    let http = reqwest::Client::new();
    let url = format!("{}{CATEGORIES}", server.url());
    let create =
        http.post(&url).header("x-auth-roles", "API_KEY").json(&json!({ "id": 7, "value": "start" }));
    assert_eq!(create.send().await.unwrap().status(), 201);
    let runtime_api = RuntimeApi::default();
    let address = runtime_api.serve();

    let mut known = 1;
    for life in 0..12 {
        let mut function = start(&address, &server.dynamodb_url());
        let mut acknowledged = 0;
        // From its first answer on, the life lasts a little longer each time, so that it ends in
        // another part of a write.
        let mut end = None;
        loop {
            let value = format!("{life}.{acknowledged}");
            let answer = runtime_api.invoke(value.clone(), patch(&value));
            tokio::select! {
                answer = answer => assert_eq!(answer.unwrap()["statusCode"], 204),
                () = sleep_until(end.unwrap_or_else(far_off)) => break,
            }
            acknowledged += 1;
            end.get_or_insert_with(|| Instant::now() + Duration::from_millis(50 + 7 * life));
        }
        function.kill().unwrap();
        function.wait().unwrap();
        runtime_api.forget();
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

/// What the function writes to standard output for one request under these variables.
async fn logged(server: &Server, variables: &[(&str, &str)], status: u16) -> Vec<String> {
    let runtime_api = RuntimeApi::default();
    let mut function = function(&runtime_api.serve(), &server.dynamodb_url());
    let function = function.envs(variables.iter().copied()).stdout(Stdio::piped());
    let mut function = function.spawn().unwrap();
    let answer = runtime_api.invoke("of-lambda".into(), patch("changed")).await.unwrap();
    assert_eq!(answer["statusCode"], status);
    function.kill().unwrap();
    function.wait().unwrap();
    let mut logged = String::new();
    function.stdout.unwrap().read_to_string(&mut logged).unwrap();
    logged.lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn it_logs_as_lambdas_configuration_says() {
    const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
    const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";
    let server = Server::start(&Data::Memory, 0, 0).await.unwrap();
    let create = reqwest::Client::new().post(format!("{}{CATEGORIES}", server.url()));
    let create = create.header("x-auth-roles", "API_KEY").json(&json!({ "id": 7, "value": "start" }));
    assert_eq!(create.send().await.unwrap().status(), 201);
    let well = async |variables: &[(&str, &str)]| logged(&server, variables, 204).await;
    let broken = async |variables: &[(&str, &str)]| {
        logged(&server, &[variables, &[("CATEGORIES_TABLE", "elsewhere")]].concat(), 500).await
    };

    let lines = well(&[(FORMAT, "JSON"), (LEVEL, "INFO"), ("METRICS_NAMESPACE", "the-stack")]).await;
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        json!([line["level"], line["operation"], line["status"], line["trace_id"], line["cold_start"]]),
        json!(["INFO", "update-category", 204, TRACE, true])
    );
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "the-stack");
    let lines = broken(&[(FORMAT, "JSON")]).await;
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(line["fault"].as_str().unwrap().starts_with("GetItem: ResourceNotFoundException"), "{line}");
    assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "customers-categories");

    assert_eq!(well(&[(FORMAT, "JSON"), (LEVEL, "WARN")]).await, [""; 0]);
    assert_eq!(broken(&[(FORMAT, "JSON"), (LEVEL, "WARN")]).await.len(), 1);
    assert_eq!(broken(&[(FORMAT, "JSON"), (LEVEL, "FATAL")]).await, [""; 0]);

    for text in [&[(FORMAT, "Text")][..], &[]] {
        let lines = well(text).await;
        let [line] = lines.as_slice() else { panic!("{lines:#?}") };
        assert!(line.contains(" INFO request ") && line.contains(" status=204 "), "{line}");
        assert!(!line.contains('{') && !line.contains("_aws"), "{line}");
    }
    assert_eq!(well(&[(FORMAT, "Text"), (LEVEL, "ERROR")]).await, [""; 0]);
    server.stop().await;
}
