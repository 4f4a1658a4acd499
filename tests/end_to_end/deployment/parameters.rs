//! The template's parameters: what they reach, and that it reaches callers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::{domain::Permission, http::Operation};

use crate::support::{
    documentation::read,
    template::{YAML, functions, role},
};

/// The longest description of a version.
const MAX_DESCRIPTION_CHARACTERS: u64 = 256;

fn parameters() -> BTreeSet<String> {
    YAML["Parameters"].as_object().unwrap().keys().cloned().collect()
}

/// All texts in a value: what `!Ref`, `!Sub` and `!If` name among them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The parameters that a value depends on, by itself or through conditions.
fn parameters_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts(value) {
        for name in parameters() {
            if text == name || text.contains(&format!("${{{name}}}")) {
                found.insert(name);
            }
        }
        if let Some(condition) = YAML["Conditions"].get(text) {
            found.extend(parameters_of(condition));
        }
    }
    found
}

/// How many characters the value of a parameter can have.
fn longest(name: &str) -> u64 {
    let parameter = &YAML["Parameters"][name];
    if let Some(values) = parameter["AllowedValues"].as_array() {
        return values.iter().map(|value| value.as_str().unwrap().len() as u64).max().unwrap();
    }
    let digits = |number: &Value| number.as_u64().map(|number| number.to_string().len() as u64);
    parameter["MaxLength"].as_u64().or_else(|| digits(&parameter["MaxValue"])).unwrap()
}

/// SAM makes a version where the text of the template changes or the description does, and a parameter's value
/// is in the description alone. Lambda makes none of a function that is as before.
#[test]
fn every_parameter_that_reaches_a_function_makes_a_version_of_it() {
    let mut globals = YAML["Globals"]["Function"].clone();
    let global = globals.as_object_mut().unwrap();
    global.remove("DeploymentPreference");
    let description = global.remove("Description").unwrap();
    for (name, function) in functions() {
        let mut function = function["Properties"].clone();
        let own = function.as_object_mut().unwrap();
        assert_eq!(own.remove("AutoPublishAliasAllProperties"), Some(Value::Bool(true)), "{name}");
        assert_eq!(own.remove("VersionDescription").as_ref(), Some(&description), "{name}");
        let reaching = &parameters_of(&globals) | &parameters_of(&function);
        assert!(reaching.len() >= 8, "{reaching:?}");
        assert_eq!(parameters_of(&description), reaching, "{name}");
    }
}

#[test]
fn the_description_of_a_version_has_room_for_the_longest_parameters() {
    let description = YAML["Globals"]["Function"]["Description"].as_str().unwrap();
    let names: Vec<&str> = description.split(' ').collect();
    let values: u64 =
        names.iter().map(|name| longest(name.trim_start_matches("${").trim_end_matches('}'))).sum();
    assert!(values + names.len() as u64 - 1 <= MAX_DESCRIPTION_CHARACTERS);
}

#[test]
fn every_parameter_is_documented_with_its_default() {
    let document = read("docs/deploy.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    for name in parameters() {
        let row = rows.iter().find(|row| row.split(" | ").next().unwrap().contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/deploy.md does not have {name}"));
        let default = match &YAML["Parameters"][&name]["Default"] {
            Value::Number(number) if number.as_u64() == Some(1000) => "1,000".to_owned(),
            Value::Number(number) => number.to_string(),
            text if text == "" => "none".to_owned(),
            text => text.as_str().unwrap().to_owned(),
        };
        assert!(row.split(" | ").nth(1).unwrap().contains(&default), "{row}: {default}");
    }
}

/// Statements below are not in the program: `release_max_level_info` leaves them out.
#[test]
fn log_levels_are_those_that_the_program_has() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let features = &manifest["workspace"]["dependencies"]["tracing"]["features"];
    assert!(
        features.as_array().unwrap().iter().any(|feature| feature.as_str() == Some("release_max_level_info"))
    );
    assert_eq!(texts(&YAML["Parameters"]["LogLevel"]["AllowedValues"]), ["INFO", "WARN", "ERROR"]);
}

/// A cap that the template no longer mentions stays as it was.
#[test]
fn a_cap_can_be_lifted() {
    for name in ["MaxReadRequestUnits", "MaxWriteRequestUnits"] {
        assert_eq!(YAML["Parameters"][name]["MinValue"], -1, "{name}");
        let throughput = &YAML["Resources"]["CategoriesTable"]["Properties"]["OnDemandThroughput"];
        assert_eq!(throughput[1][name][1], name);
    }
    assert_eq!(YAML["Parameters"]["KeysMaxReadRequestUnits"]["MinValue"], -1);
    let throughput = &YAML["Resources"]["KeysTable"]["Properties"]["OnDemandThroughput"];
    let expected = json!(["CapsKeys", { "MaxReadRequestUnits": "KeysMaxReadRequestUnits" }, "AWS::NoValue"]);
    assert_eq!(*throughput, expected);
}

/// What floods one kind of route leaves the others theirs.
#[test]
fn routes_that_write_or_search_and_requests_without_a_route_have_limits_of_their_own() {
    let api = &YAML["Resources"]["Api"]["Properties"];
    let limits = |kind: &str| {
        json!({
            "DetailedMetricsEnabled": true,
            "ThrottlingBurstLimit": format!("{kind}ThrottlingBurstLimit"),
            "ThrottlingRateLimit": format!("{kind}ThrottlingRateLimit"),
        })
    };
    assert_eq!(api["DefaultRouteSettings"], limits(""));
    let limited = Operation::ALL.into_iter().filter(|operation| operation.permission() != Permission::Read);
    let mut expected: BTreeMap<String, Value> = limited
        .map(|operation| (format!("{} {}", operation.method(), operation.path()), limits("Write")))
        .collect();
    assert_eq!(expected.len(), 10);
    expected.insert("$default".to_owned(), limits("Unmatched"));
    assert_eq!(api["RouteSettings"], json!(expected));
}

#[test]
fn the_default_endpoint_can_be_switched_off() {
    let setting = &YAML["Resources"]["Api"]["Properties"]["DisableExecuteApiEndpoint"];
    assert_eq!(*setting, json!(["DisablesDefaultEndpoint", true, false]));
    assert_eq!(texts(&YAML["Conditions"]["DisablesDefaultEndpoint"]), ["DefaultEndpoint", "Disabled"]);
}

#[test]
fn pages_of_other_servers_are_admitted_where_their_origins_are_named() {
    let cors = &YAML["Resources"]["Api"]["Properties"]["CorsConfiguration"];
    assert_eq!([&cors[0], &cors[2]], ["AdmitsPages", "AWS::NoValue"]);
    assert_eq!(cors[1]["AllowOrigins"], json!([",", "CorsAllowOrigins"]));
    assert_eq!(texts(&YAML["Conditions"]["AdmitsPages"]), ["CorsAllowOrigins", ""]);
    let methods: BTreeSet<&str> = texts(&cors[1]["AllowMethods"]).into_iter().collect();
    assert!(
        Operation::ALL.iter().all(|operation| methods.contains(operation.method().as_str())),
        "{methods:?}"
    );
    // What callers send, and what they have to read.
    let named = |member: &str| texts(&cors[1][member]).into_iter().collect::<BTreeSet<_>>();
    assert!(named("AllowHeaders").is_superset(&BTreeSet::from([
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "x-auth-roles"
    ])));
    assert!(named("ExposeHeaders").is_superset(&BTreeSet::from([
        "etag",
        "location",
        "retry-after",
        "x-request-id"
    ])));
}

#[test]
fn a_value_of_deployment_passes_over_the_alarms() {
    let preference = &YAML["Globals"]["Function"]["DeploymentPreference"];
    assert_eq!(texts(&preference["Type"]), ["IgnoresAlarms", "AllAtOnce", "Deployment"]);
    assert_eq!(texts(&preference["Alarms"])[..2], ["IgnoresAlarms", "AWS::NoValue"]);
    assert_eq!(texts(&YAML["Conditions"]["IgnoresAlarms"]), ["Deployment", "AllAtOnceWithoutAlarms"]);
    let values = texts(&YAML["Parameters"]["Deployment"]["AllowedValues"]);
    assert!(values.contains(&"AllAtOnceWithoutAlarms"));
}

#[test]
fn functions_may_write_traces_where_they_are_traced_alone() {
    assert_eq!(texts(&YAML["Parameters"]["Tracing"]["AllowedValues"]), ["Disabled", "Active"]);
    assert_eq!(YAML["Globals"]["Function"]["Tracing"], "Tracing");
    assert_eq!(texts(&YAML["Conditions"]["Traces"]), ["Tracing", "Active"]);
    assert_eq!(YAML["Resources"]["WriteTracesPolicy"]["Condition"], "Traces");
    for (name, function) in functions() {
        let policies = role(function)["Properties"]["ManagedPolicyArns"].as_array().unwrap();
        let conditional: Vec<_> = policies.iter().filter(|policy| !policy.is_string()).collect();
        assert_eq!(conditional, [&json!(["Traces", "WriteTracesPolicy", "AWS::NoValue"])], "{name}");
    }
}

/// What refers to a table says which one is used if the stack has none of its own.
#[test]
fn whatever_uses_a_table_can_use_an_existing_one() {
    fn check(value: &Value, inside: Option<&str>) {
        match value {
            Value::String(text) => {
                for table in ["CategoriesTable", "KeysTable"] {
                    let own = [table.to_owned(), format!("{table}.Arn"), format!("{table}.StreamArn")];
                    if own.contains(text) {
                        let condition = inside.unwrap_or_else(|| panic!("{text} without a condition"));
                        let owns = format!("Owns{table}");
                        assert!(condition == owns || condition == "HasExistingStream", "{text}: {condition}");
                    }
                }
            }
            Value::Array(items) => {
                let condition = items
                    .first()
                    .and_then(Value::as_str)
                    .filter(|name| YAML["Conditions"].get(name).is_some());
                for item in items {
                    check(item, condition.or(inside));
                }
            }
            Value::Object(members) => {
                for member in members.values() {
                    check(member, inside);
                }
            }
            _ => {}
        }
    }
    for section in ["Globals", "Resources", "Outputs"] {
        check(&YAML[section], None);
    }
}
