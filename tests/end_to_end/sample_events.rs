//! Every file in `events/` fed to its function as Lambda would.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc};

use lambda_http::Context;
use local::gateway::{self, Function};
use serde_json::Value;
use shared::App;

use crate::api::Api;

fn events() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events"))
}

async fn invoke(functions: &HashMap<&str, Function>, name: &str) -> (i64, Value) {
    let event = fs::read_to_string(events().join(format!("{name}.json"))).unwrap();
    let answer = functions[name](event, Context::default()).await.unwrap();
    let body = answer.body.map(|body| String::from_utf8(body.to_vec()).unwrap()).unwrap_or_default();
    (answer.status_code, serde_json::from_str(&body).unwrap_or_default())
}

#[tokio::test]
async fn they_tell_the_life_of_a_category() {
    let api = Api::start().await;
    let app = Arc::new(App::new(api.store.clone(), api.clock.clone(), "/docs".into()));
    let functions = gateway::functions(&app);

    assert_eq!(invoke(&functions, "create-category").await, (201, Value::Null));
    let (status, created) = invoke(&functions, "get-category").await;
    assert_eq!((status, created["reason"].as_str()), (200, Some("Masmovil sponsors their videos")));
    assert_eq!(invoke(&functions, "update-category").await, (204, Value::Null));
    let (status, list) = invoke(&functions, "list-categories").await;
    assert_eq!((status, list["categories"][0]["reason"].as_str()), (200, Some("Loyalty campaign")));
    assert_eq!(invoke(&functions, "delete-category").await, (204, Value::Null));
    let (status, history) = invoke(&functions, "list-category-history").await;
    assert_eq!((status, history["history"][0]["reason"].as_str()), (200, Some("contract ended")));
    assert_eq!(history["history"].as_array().unwrap().len(), 3);
    assert_eq!(invoke(&functions, "not-found").await.0, 405);
}

#[test]
fn each_function_has_one() {
    let api_files =
        fs::read_dir(events()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = api_files.collect();
    files.sort_unstable();
    let functions = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
    let names = functions.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut expected: Vec<_> =
        names.filter(|name| name != "local").map(|name| format!("{name}.json")).collect();
    expected.sort_unstable();
    assert_eq!(files, expected);
}
