//! The walk-through, in the README and in `docs/api.md`: a shell runs the `sh` blocks as they stand, one after the
//! other, and each answer is held against the `http` block that follows it.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName},
};
use serde_json::Value;

use crate::support::{
    api::{Answer, Api},
    description,
    documentation::{blocks, read, section},
};

/// Where the documents say that the server is.
const DOCUMENTED: &str = "127.0.0.1:3000";

/// Ends what a block has written.
const MARK: &str = "--- end of a block ---";

/// A block for a shell, and the answer that is shown below it, if one is.
type Step = (String, Option<String>);

fn steps() -> Vec<Step> {
    let blocks = blocks(&(section("README.md", "Walk-through") + &read("docs/api.md")));
    let mut steps: Vec<Step> = Vec::new();
    let mut follows_sh = false;
    for (language, text) in blocks {
        if language == "sh" {
            steps.push((text, None));
        } else if language == "http" && follows_sh {
            steps.last_mut().unwrap().1 = Some(text);
            follows_sh = false;
            continue;
        }
        follows_sh = language == "sh";
    }
    steps
}

/// Runs the blocks in one shell, for what one sets is used by others. Returns what each has written. `curl` is told to
/// connect to the test's server wherever a command says the documented address.
fn run(steps: &[Step], api: &Api) -> Vec<String> {
    let home = std::env::temp_dir().join(format!("walk-through-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&home).unwrap();
    let here = api.url.strip_prefix("http://").unwrap();
    let settings = format!("silent\nconnect-to = \"{DOCUMENTED}:{here}\"\n");
    fs::write(home.join(".curlrc"), settings).unwrap();
    let mut shell = Command::new("bash")
        .env("CURL_HOME", &home)
        .current_dir(&home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = shell.stdin.take().unwrap();
    for (command, _) in steps {
        write!(script, "{command}\nprintf '\\n{MARK}\\n'\n").unwrap();
    }
    drop(script);
    let done = shell.wait_with_output().unwrap();
    fs::remove_dir_all(home).unwrap();
    let written = String::from_utf8(done.stdout).unwrap();
    let mut written: Vec<_> = written.split(&format!("\n{MARK}\n")).map(ToOwned::to_owned).collect();
    assert_eq!(written.pop().as_deref(), Some(""));
    written
}

/// What `curl -i` has written.
fn answer(written: &str, command: &str) -> Answer {
    let (head, body) = written.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{command}{written}"));
    let mut head = head.split("\r\n");
    let status = head.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
    });
    Answer { status, headers: headers.collect::<HeaderMap>(), body: body.to_owned() }
}

/// Method and path of a command.
fn asked(command: &str) -> (Method, String) {
    let words = shell_words::split(&command.replace("\\\n", " ")).unwrap();
    let after = |option| words.iter().skip_while(|word| *word != option).nth(1);
    let default = if words.contains(&"-d".to_owned()) { "POST" } else { "GET" };
    let method = after("-X").map_or(default, String::as_str).parse().unwrap();
    let prefix = format!("http://{DOCUMENTED}");
    let url = words.iter().find_map(|word| word.strip_prefix(&prefix)).unwrap();
    (method, url.split('?').next().unwrap().to_owned())
}

/// Times, revisions and cursors differ from run to run.
fn redact(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                *member = match name.as_str() {
                    "created_at" | "updated_at" | "changed_at" | "counted_at" | "since" | "revision"
                    | "next_cursor" | "ref" => {
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

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_goes_as_it_says() {
    let api = Api::start().await;
    let steps = steps();
    let written = run(&steps, &api);
    assert_eq!(written.len(), steps.len());
    let mut held = 0;
    for ((command, shown), written) in steps.iter().zip(&written) {
        let Some(shown) = shown else {
            assert_eq!(written, "", "{command}");
            continue;
        };
        let answer = answer(written, command);
        let (method, path) = asked(command);
        description::check(&method, &path, answer.status, &answer.headers, &answer.body);
        hold(shown, &answer, command);
        held += 1;
    }
    assert!(held >= 11, "only {held} answers in the walk-through");
}

/// curl 7.81, which Ubuntu 22.04 has, knows no `--json` and no `%header{}`.
#[test]
fn the_commands_need_no_curl_of_late() {
    for document in ["README.md", "docs/api.md", "docs/operator.md", "docs/local-server.md"] {
        let text = read(document);
        for recent in ["--json '", "--json @", "%header{", "--url-query"] {
            assert!(!text.contains(recent), "{document}: {recent}");
        }
    }
}
