//! What the fuzz targets start from, put through the same path under the same conditions: `tests/fuzz`
//! finds new inputs, this keeps those that mattered.

#[path = "../../fuzz/oracles.rs"]
mod oracles;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use self::oracles::Subject;
use crate::support::api::Api;

async fn subject(api: &Api) -> Subject {
    Subject::new(|function| api.app(function), api.client.clone(), api.tables.clone(), &api.store, &api.clock)
        .await
}

/// The files in a folder, by name.
fn inputs(folder: &str) -> BTreeMap<String, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_none_or(|kind| kind != "md" && kind != "jsonl"))
        .map(|file| (file.file_name().unwrap().to_str().unwrap().into(), fs::read_to_string(file).unwrap()))
        .collect()
}

#[tokio::test]
async fn events_that_fuzzing_starts_from_are_answered_as_promised() {
    let api = Api::start().await;
    let subject = subject(&api).await;
    let mut statuses = BTreeSet::new();
    for (name, event) in inputs("fuzz/seeds/event").into_iter().chain(inputs("../events")) {
        let status = subject.event(&event).await;
        assert!(status.is_some() || name == "env.local.json", "{name} is no event");
        statuses.extend(status);
    }
    let possible = [200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412];
    assert_eq!(statuses, BTreeSet::from(possible));
}

#[tokio::test]
async fn cursors_that_fuzzing_starts_from_lead_nowhere_else() {
    let api = Api::start().await;
    let subject = subject(&api).await;
    for (name, input) in inputs("fuzz/seeds/cursor") {
        let accepted = subject.cursor(&input).await == Some(200);
        assert_eq!(accepted, name.starts_with("as-issued"), "{name}");
    }
}
