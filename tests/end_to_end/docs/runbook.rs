//! What the runbook says of lines, metrics, alarms and queries is what there is.

use std::collections::BTreeSet;

use lambda_http::Context;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    deployment::dashboard::{all_metrics, resources, template, widgets},
    support::{
        api::Api,
        documentation::{blocks, read, section},
        logs::{self, FIELDS, lines, redact},
        template::YAML,
    },
};

const RUNBOOK: &str = "docs/runbook.md";

/// The fenced blocks of a text in this language.
fn in_language(text: &str, language: &str) -> Vec<String> {
    blocks(text).into_iter().filter(|(found, _)| found == language).map(|(_, block)| block).collect()
}

/// What stands in backticks in each row of the table under this heading, cell by cell.
fn table(heading: &str) -> Vec<Vec<Vec<String>>> {
    let text = section(RUNBOOK, heading);
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    rows.map(|row| row.trim_matches('|').split(" | ").map(names).collect()).collect()
}

#[tokio::test]
async fn the_documented_line_and_its_size_are_true() {
    let api = Api::start().await;
    api.create(214_748_364, "gold").await;
    let mut event: Value = serde_json::from_str(include_str!("../../../events/get-category.json")).unwrap();
    let id = format!("crm-{}", Uuid::new_v4());
    event["headers"]["x-request-id"] = json!(id);
    let mut context = Context::default();
    context.xray_trace_id = Some("Root=1-6922ac18-1f2e3d4c5b6a798801234567;Sampled=1".into());
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    functions["get-category"](event.to_string(), context).await.unwrap();
    let lines = lines(&id);
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };

    let shown: Value = serde_json::from_str(&in_language(&section(RUNBOOK, "Logs"), "json")[0]).unwrap();
    let sent = redact(line.clone());
    assert_eq!(sent, redact(shown.clone()));

    event["headers"].as_object_mut().unwrap().remove("x-request-id");
    let usual_id = "UjtWqhNZDoEEPbQ=";
    event["requestContext"]["requestId"] = json!(usual_id);
    functions["get-category"](event.to_string(), Context::default()).await.unwrap();
    let mut usual = logs::lines(usual_id).pop().unwrap();
    // Its digits vary.
    usual["duration_ms"] = shown["duration_ms"].clone();
    let usual = usual.to_string().len();
    let access = YAML["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let access = [
        ("$context.status", "200"),
        ("$context.requestId", usual_id),
        ("$context.integration.requestId", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("$context.identity.sourceIp", "192.0.2.1"),
        ("$context.error.message $context.integrationErrorMessage", "- -"),
    ]
    .iter()
    .fold(access.to_owned(), |line, (variable, value)| line.replace(variable, value));
    assert!(!access.contains('$'), "{access}");
    let prices = section("docs/deploy.md", "What a million requests cost");
    for (row, bytes) in [("Request's line", usual), ("Access log", access.len())] {
        let (_, size) = prices.split_once(&format!("| {row} | ")).unwrap();
        let (_, documented) = size.split(' ').next().unwrap().split_once("0.").unwrap();
        let documented = documented.parse::<usize>().unwrap();
        assert_eq!(documented, bytes, "{row}");
    }
}

#[test]
fn every_field_is_explained() {
    let explained: BTreeSet<String> = table("Logs").into_iter().flat_map(|mut row| row.remove(0)).collect();
    assert_eq!(explained, FIELDS.as_object().unwrap().keys().cloned().collect());
}

#[tokio::test]
async fn every_metric_is_listed() {
    let listed = table("Metrics").into_iter().map(|row| {
        let [name, _, dimensions] = row.as_slice() else { panic!("{row:?}") };
        (name[0].clone(), dimensions.clone())
    });
    let emitted = all_metrics().await.into_iter().map(|(metric, _)| metric);
    assert_eq!(listed.collect::<BTreeSet<_>>(), emitted.collect());
}

#[test]
fn every_alarm_has_its_entry_in_the_runbook() {
    let alarms: BTreeSet<String> =
        resources("AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| name).collect();
    let runbook = section(RUNBOOK, "Alarms");
    let mut described = BTreeSet::new();
    for entry in runbook.split("\n### ").skip(1) {
        let (name, entry) = entry.split_once('\n').unwrap();
        assert_eq!(in_language(entry, "logs-insights").len(), 1, "{name}");
        let [means, _, to_do] = entry.split("```").collect::<Vec<_>>()[..] else { panic!("{name}") };
        assert!(means.trim().len() > 40 && to_do.trim().len() > 40, "{name}");
        described.insert(name.to_owned());
    }
    assert_eq!(described, alarms);
}

/// The fields that a Logs Insights query asks for.
fn asked_for(query: &str) -> BTreeSet<String> {
    const LANGUAGE: [&str; 21] = [
        "and",
        "as",
        "asc",
        "avg",
        "bin",
        "by",
        "count",
        "desc",
        "display",
        "fields",
        "filter",
        "in",
        "ispresent",
        "like",
        "limit",
        "not",
        "or",
        "pct",
        "sort",
        "stats",
        "sum",
    ];
    let without_texts = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = without_texts.split(|c: char| !(c.is_ascii_alphanumeric() || "@_.".contains(c)));
    let words: Vec<&str> =
        words.filter(|word| !word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).collect();
    let aliases: BTreeSet<&str> =
        words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1]).collect();
    let fields = words.iter().filter(|word| !LANGUAGE.contains(word) && !aliases.contains(*word));
    fields.map(ToString::to_string).collect()
}

#[test]
fn queries_ask_for_fields_that_there_are() {
    // Insights' own, those of Lambda's events, and of lines that are no request's.
    let others = [
        "@log",
        "@message",
        "message",
        "@timestamp",
        "type",
        "record.requestId",
        "record.status",
        "record.errorType",
    ];
    let template = template();
    let format = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"];
    let access: Value = serde_json::from_str(format.as_str().unwrap()).unwrap();
    let known: BTreeSet<String> = FIELDS
        .as_object()
        .unwrap()
        .keys()
        .chain(access.as_object().unwrap().keys())
        .cloned()
        .chain(others.map(ToOwned::to_owned))
        .collect();
    let mut queries: Vec<String> = in_language(&read(RUNBOOK), "logs-insights");
    let of_dashboard = widgets().into_iter().filter(|widget| widget["type"] == "log");
    queries.extend(of_dashboard.map(|widget| {
        let query = widget["properties"]["query"].as_str().unwrap().to_owned();
        query.strip_prefix("SOURCE '${FunctionLogs}' | ").unwrap().to_owned()
    }));
    assert!(queries.len() >= 9, "{queries:#?}");
    for query in queries {
        let unknown: Vec<_> = asked_for(&query).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{unknown:?}: {query}");
    }
    assert!(asked_for("filter no_such_field > 1").contains("no_such_field"));
}
