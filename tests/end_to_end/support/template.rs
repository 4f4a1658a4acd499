//! What `template.yaml` says, as the tests read it.

use std::{collections::BTreeSet, sync::LazyLock};

use customers_categories::server::template::{TEXT, Template};
use serde_json::Value;

pub static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::parse(TEXT).unwrap());

/// The whole template, without the tags: `!Ref Name` is the text `Name`, `!If` the list that follows it.
pub static YAML: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(TEXT).unwrap());

/// The metric filters of a log group, by its name in the template.
pub fn metric_filters(log_group: &str) -> impl Iterator<Item = &'static Value> {
    let resources = YAML["Resources"].as_object().unwrap().values();
    let filters = resources.filter(|resource| resource["Type"] == "AWS::Logs::MetricFilter");
    filters.map(|filter| &filter["Properties"]).filter(move |filter| filter["LogGroupName"] == log_group)
}

/// The functions by the names of their binaries.
pub fn functions() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let resources = YAML["Resources"].as_object().unwrap().values();
    let functions = resources.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions.map(|function| (function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap(), function))
}

/// An action on a table, alone or as part of an enclosing operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permit {
    pub action: String,
    pub enclosing: Option<String>,
    /// The table's name in the template; of an index, this and `/index/` and its name.
    pub table: String,
}

/// The role of a function, by its name in the template.
pub fn role(function: &Value) -> &'static Value {
    let role = function["Properties"]["Role"].as_str().and_then(|role| role.strip_suffix(".Arn")).unwrap();
    let role = &YAML["Resources"][role];
    assert_eq!(role["Type"], "AWS::IAM::Role");
    role
}

/// All that the policies of a function allow on the tables.
pub fn permits(function: &str) -> BTreeSet<Permit> {
    let (_, function) = functions().find(|(name, _)| *name == function).unwrap();
    let policies = role(function)["Properties"]["ManagedPolicyArns"].as_array().unwrap().iter();
    // Log and traces are no tables; a list is an `!If`.
    let policies = policies.filter_map(Value::as_str).filter(|policy| *policy != "WriteLogsPolicy");
    let statements = policies.flat_map(|policy| {
        let policy = &YAML["Resources"][policy];
        assert_eq!(policy["Type"], "AWS::IAM::ManagedPolicy");
        policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap()
    });
    statements.flat_map(allowed).collect()
}

fn allowed(statement: &Value) -> Vec<Permit> {
    assert_eq!(statement["Effect"], "Allow");
    let enclosing = statement.get("Condition").map(|condition| {
        assert_eq!(condition.as_object().unwrap().len(), 1);
        // A set of values in a request's context takes a set operator.
        condition["ForAnyValue:StringEquals"]["dynamodb:EnclosingOperation"].as_str().unwrap().to_owned()
    });
    // The stack's own table, or an existing one of the same kind.
    let [condition, own, existing] = statement["Resource"].as_array().unwrap().as_slice() else {
        panic!("{statement}")
    };
    // Of an index: `!Sub ${Table.Arn}/index/name`.
    let own = own.as_str().unwrap().replace("${", "").replace('}', "");
    let (table, index) = own.split_once(".Arn").unwrap();
    assert_eq!(condition.as_str(), Some(format!("Owns{table}").as_str()));
    let existing = existing.as_str().unwrap();
    assert!(existing.ends_with(&format!(":table/${{Existing{table}}}{index}")), "{statement}");
    let actions = statement["Action"].as_array().unwrap().iter();
    actions
        .map(|action| Permit {
            action: action.as_str().unwrap().strip_prefix("dynamodb:").unwrap().to_owned(),
            enclosing: enclosing.clone(),
            table: format!("{table}{index}"),
        })
        .collect()
}
