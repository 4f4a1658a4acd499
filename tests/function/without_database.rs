//! The function for unknown paths, as Lambda runs it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use emulator::RuntimeApi;
use serde_json::{Value, json};

use crate::process::Function;

#[tokio::test]
async fn it_answers_where_there_is_no_database() {
    let runtime_api = RuntimeApi::start().await;
    let binary = env!("CARGO_BIN_EXE_not-found");
    let command = process::command("not-found", binary, runtime_api.address(), "http://127.0.0.1:1");
    let _function = Function::start(command);
    let event: Value = serde_json::from_str(include_str!("../../events/not-found.json")).unwrap();
    let answer = runtime_api.invoke(&event).await.answer;
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        json!([answer["statusCode"], body["errors"][0]["error"]["code"]]),
        json!([404, "MCUS.999.997"])
    );
}
