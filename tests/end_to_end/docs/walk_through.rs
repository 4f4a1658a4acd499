//! The walk-through, in the README and on in `docs/api.md`: each `sh` block with a curl is sent, and its
//! answer is held against the `http` block that follows it.

use reqwest::{Method, Url};
use serde_json::Value;

use crate::support::{
    api::{Answer, Api, send},
    documentation::{blocks, section},
};

const LOCAL: &str = "http://127.0.0.1:3000";

/// Sends what the curl command would; only the few options that the documents use are known.
async fn curl(api: &Api, command: &str) -> Answer {
    let words = shell_words::split(&command.replace("\\\n", " ")).unwrap();
    let mut words = words.into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    let (mut method, mut url, mut headers, mut body) = (None, None, Vec::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-i" => {}
            "-X" => method = words.next(),
            "-H" => headers.push(words.next().unwrap()),
            "--json" => body = words.next(),
            address => url = Some(Url::parse(address).unwrap()),
        }
    }
    let url = url.unwrap();
    let path = url.as_str().strip_prefix(LOCAL).unwrap();
    let default = if body.is_some() { "POST" } else { "GET" };
    let method: Method = method.as_deref().unwrap_or(default).parse().unwrap();
    let mut request = api.anonymous(method, path);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body);
    }
    send(request).await
}

/// Times, revisions and cursors differ from run to run.
fn redact(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                *member = match name.as_str() {
                    "created_at" | "updated_at" | "changed_at" | "revision" | "next_cursor" | "ref" => {
                        // A revision is null where there is none.
                        assert!(member.is_string() || name == "revision");
                        Value::Null
                    }
                    _ => redact(member.take()),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = redact(item.take())),
        _ => {}
    }
    value
}

fn hold(shown: &str, answer: &Answer, command: &str) {
    let (head, body) = shown.split_once("\n\n").unwrap_or((shown.trim_end(), ""));
    let mut head = head.lines();
    let status = head.next().unwrap().split(' ').nth(1).unwrap();
    assert_eq!(answer.status.to_string(), status, "{command}{}", answer.body);
    for header in head {
        let (name, value) = header.split_once(": ").unwrap();
        let sent = answer.header(name).unwrap_or_else(|| panic!("{command}no {name}"));
        assert!(name == "etag" || sent == value, "{command}{name}: {sent}");
    }
    if body.trim().is_empty() {
        assert_eq!(answer.body, "", "{command}");
    } else {
        let shown: Value = serde_json::from_str(body).unwrap();
        assert_eq!(redact(answer.json()), redact(shown), "{command}");
    }
}

#[tokio::test]
async fn the_walk_through_goes_as_it_says() {
    let api = Api::start().await;
    let walk_through =
        ["More of the walk-through", "Making it so"].map(|heading| section("docs/api.md", heading)).concat();
    let walk_through = section("README.md", "Walk-through") + &walk_through;
    let blocks = blocks(&walk_through);
    let mut etag = String::new();
    let mut sent = 0;
    for pair in blocks.windows(2) {
        let [(first, command), (second, shown)] = pair else { unreachable!() };
        if first == "sh" && second == "http" {
            // What a reader would paste from the answer before.
            let answer = curl(&api, &command.replace("$ETAG", &etag)).await;
            hold(shown, &answer, command);
            etag = answer.header("etag").map_or(etag, |new| new.trim_matches('"').to_owned());
            sent += 1;
        }
    }
    assert!(sent >= 9, "only {sent} requests in the walk-through");
}
