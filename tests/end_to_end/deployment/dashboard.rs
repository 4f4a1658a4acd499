//! The dashboard shows what there is to show.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    api::{Api, category},
    logs::{FIELDS, Metric, line, metrics, validator},
    proxy::{Fault, Proxy},
    template::metric_filters,
};

/// All metrics that there are: those of a line in which everything happens.
pub async fn all_metrics() -> BTreeSet<(Metric, String)> {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    let mut all = BTreeSet::new();
    for (times, fault) in [(1, Fault::Cancelled("TransactionConflict")), (6, Fault::CutAfter)] {
        proxy.break_next(times, "TransactWriteItems", fault);
        all.extend(metrics(&line(&api.patch(&category(7), json!({ "value": format!("{fault:?}") })).await)));
    }
    let change = json!({
        "op": "set", "customer_id": "123e4567-e89b-12d3-a456-556642440000", "id": 7, "value": "gold",
        "if_match": "01a208e8-fe27-75de-a151-569bda83de6f",
    });
    all.extend(metrics(&line(&api.batch(json!([change])).await)));
    all
}

pub fn template() -> Value {
    serde_saphyr::from_str(customers_categories::server::template::TEXT).unwrap()
}

pub fn resources(kind: &str) -> Vec<(String, Value)> {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let found = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// The dashboard's widgets, with the names of what the template refers to.
pub fn widgets() -> Vec<Value> {
    let dashboards = resources("AWS::CloudWatch::Dashboard");
    let [(_, dashboard)] = dashboards.as_slice() else { panic!("{dashboards:?}") };
    let [body, variables] = dashboard["DashboardBody"].as_array().unwrap().as_slice() else {
        panic!("{dashboard}")
    };
    // What depends on a condition: `!If [condition, text, text otherwise]`.
    let mut body = body.as_str().unwrap().to_owned();
    for (name, text) in variables.as_object().unwrap() {
        let text = text[1].as_str().unwrap();
        let text = if template()["Resources"].get(text).is_some() { &format!("${{{text}}}") } else { text };
        body = body.replace(&format!("${{{name}}}"), text);
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

/// What the dashboard may show of AWS's own metrics: namespace, name, dimensions.
const AWS_METRICS: [(&str, &str, &[&str]); 12] = [
    ("AWS/ApiGateway", "Latency", &["ApiId"]),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["TableName"]),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["TableName", "GlobalSecondaryIndexName"]),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["TableName"]),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["TableName", "GlobalSecondaryIndexName"]),
    ("AWS/DynamoDB", "ReadThrottleEvents", &["TableName"]),
    ("AWS/DynamoDB", "ReadThrottleEvents", &["TableName", "GlobalSecondaryIndexName"]),
    ("AWS/DynamoDB", "SystemErrors", &["TableName", "Operation"]),
    ("AWS/DynamoDB", "WriteThrottleEvents", &["TableName"]),
    ("AWS/DynamoDB", "WriteThrottleEvents", &["TableName", "GlobalSecondaryIndexName"]),
    ("AWS/Lambda", "Errors", &["FunctionName"]),
    ("AWS/Lambda", "Throttles", &["FunctionName"]),
];

/// Reads `SEARCH('{"namespace",dimension,…} MetricName="name" dimension="value"…', …)`.
fn search(expression: &str) -> (Metric, Vec<(String, String)>) {
    let quoted = expression.strip_prefix("SEARCH('{\"${AWS::StackName}\",").unwrap();
    let (dimensions, rest) = quoted.split_once("} ").unwrap();
    let terms = rest.split('\'').next().unwrap().split(' ').map(|term| {
        let (name, value) = term.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    let (mut names, values): (Vec<_>, Vec<_>) = terms.partition(|(name, _)| name == "MetricName");
    assert_eq!(names.len(), 1, "{expression}");
    ((names.remove(0).1, dimensions.split(',').map(ToOwned::to_owned).collect()), values)
}

#[tokio::test]
async fn the_dashboard_shows_metrics_that_there_are() {
    let emitted: BTreeSet<Metric> = all_metrics().await.into_iter().map(|(metric, _)| metric).collect();
    let counted: BTreeSet<&str> = metric_filters("AccessLogs")
        .map(|filter| filter["MetricTransformations"][0]["MetricName"].as_str().unwrap())
        .collect();
    let template = template();
    let mut shown = BTreeSet::new();
    let widgets = widgets();
    let of_metrics = widgets.iter().filter(|widget| widget["type"] == "metric");
    for metric in of_metrics.flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap()) {
        let metric = metric.as_array().unwrap();
        if let Some(expression) = metric[0]["expression"].as_str() {
            let (found, values) = search(expression);
            assert!(emitted.contains(&found), "{expression}");
            for (dimension, value) in values {
                let schema = validator(&FIELDS[&dimension]);
                assert!(found.1.contains(&dimension) && schema.is_valid(&json!(value)), "{expression}");
            }
            shown.insert(found.0);
            continue;
        }
        let texts: Vec<&str> = metric.iter().map_while(Value::as_str).collect();
        let [namespace, name, dimensions @ ..] = texts.as_slice() else { panic!("{metric:?}") };
        if *namespace == "${AWS::StackName}" {
            assert!(dimensions.is_empty() && counted.contains(name), "{metric:?}");
            shown.insert((*name).to_owned());
            continue;
        }
        let names: Vec<&str> = dimensions.iter().step_by(2).copied().collect();
        assert!(AWS_METRICS.contains(&(*namespace, *name, names.as_slice())), "{metric:?}");
        for value in dimensions.iter().skip(1).step_by(2).filter(|value| value.starts_with("${")) {
            let resource = value.trim_start_matches("${").trim_end_matches('}');
            assert!(template["Resources"].get(resource).is_some(), "{metric:?}");
        }
    }
    let ours = emitted.iter().map(|(name, _)| name.clone()).chain(counted.iter().map(ToString::to_string));
    assert_eq!(shown, ours.collect());
    for (_, filter) in resources("AWS::Logs::MetricFilter") {
        assert_eq!(filter["MetricTransformations"][0]["MetricNamespace"], "AWS::StackName");
    }
}

#[test]
fn the_dashboard_shows_every_alarm() {
    let alarms: BTreeSet<_> =
        resources("AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| format!("${{{name}.Arn}}")).collect();
    let widgets = widgets();
    let shown = widgets.iter().find(|widget| widget["type"] == "alarm").unwrap();
    let shown = shown["properties"]["alarms"].as_array().unwrap().iter();
    assert_eq!(shown.map(|alarm| alarm.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), alarms);
}
