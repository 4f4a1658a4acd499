//! What operators meet: names, logs, metrics, alarms, outputs, and what a pipeline's role may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::dashboard::resources;
use crate::support::{
    documentation::{blocks, section},
    template::{YAML, functions, role},
};

/// Alarms that ring for periods in a row alone miss what fails every other minute.
#[test]
fn two_bad_periods_that_do_not_follow_each_other_ring_an_alarm() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    assert!(alarms.len() >= 7);
    for (name, alarm) in alarms {
        assert_eq!(alarm["DatapointsToAlarm"], 2, "{name}");
        assert!(alarm["EvaluationPeriods"].as_u64().unwrap() > 2, "{name}");
    }
}

/// API Gateway puts the names of other log groups into a resource policy, of which an account has little.
#[test]
fn the_access_log_has_a_name_for_vended_logs() {
    let name = YAML["Resources"]["AccessLogs"]["Properties"]["LogGroupName"].as_str().unwrap();
    assert!(name.starts_with("/aws/vendedlogs/") && name.ends_with("${AWS::StackName}"), "{name}");
}

/// SAM's own roles, and AWS's own policies, let a function write to every log group there is.
#[test]
fn functions_may_write_to_the_stacks_log_group_and_to_no_other() {
    for (name, function) in functions() {
        assert_eq!(function["Properties"].get("Policies"), None, "{name}");
        let role = &role(function)["Properties"];
        assert_eq!(role.get("Policies"), None, "{name}");
        let policies: Vec<&str> =
            role["ManagedPolicyArns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(policies.contains(&"WriteLogsPolicy"), "{name}");
        assert!(
            policies.iter().all(|policy| YAML["Resources"].get(policy).is_some()),
            "{name}: {policies:?}"
        );
    }
    let statements = &YAML["Resources"]["WriteLogsPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    let expected = json!([{
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "FunctionLogs.Arn",
    }]);
    assert_eq!(*statements, expected);
}

#[test]
fn all_logs_can_be_encrypted_with_a_key_of_the_operators() {
    let groups = resources("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), 2);
    for (name, group) in groups {
        assert_eq!(group["KmsKeyId"], json!(["EncryptsLogs", "LogsKmsKeyArn", "AWS::NoValue"]), "{name}");
    }
}

/// Lambda drops lines below its own level, and lines that say who read a customer are not above INFO.
#[test]
fn lambda_drops_no_line_that_a_function_writes() {
    let globals = &YAML["Globals"]["Function"];
    assert_eq!(globals["LoggingConfig"]["ApplicationLogLevel"], json!(["LogsJson", "INFO", "AWS::NoValue"]));
    assert_eq!(globals["Environment"]["Variables"]["LOG_LEVEL"], "LogLevel");
}

/// Neither these nor buckets and roles have a region, and a stack's name is unique within one.
#[test]
fn names_that_have_no_region_name_theirs() {
    let [(_, dashboard)] = resources("AWS::CloudWatch::Dashboard").try_into().unwrap();
    assert_eq!(dashboard["DashboardName"], "${AWS::StackName}-${AWS::Region}");
    for kind in ["AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket"] {
        for (name, resource) in resources(kind) {
            let named =
                ["RoleName", "ManagedPolicyName", "BucketName"].map(|property| resource.get(property));
            assert_eq!(named, [None, None, None], "{name}");
        }
    }
}

/// The access log's format with this status, and with this text wherever a caller's can be.
fn access_log_line(status: &str, text: &str) -> String {
    let format = YAML["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    let variables = format.split('$').skip(1).map(|rest| rest.split(['"', ' ']).next().unwrap());
    variables.fold(format.to_owned(), |line, variable| {
        let value = if variable == "context.status" { status } else { text };
        line.replacen(&format!("${variable}"), value, 1)
    })
}

/// As CloudWatch Logs reads a pattern: the empty one takes every line, `%…%` is a regular expression, of which
/// the template uses no more than this.
fn matches(pattern: &str, line: &str) -> bool {
    if pattern.is_empty() {
        return true;
    }
    let expression = pattern.strip_prefix("%^").and_then(|rest| rest.strip_suffix('%')).unwrap();
    let mut characters = line.chars();
    let mut parts = expression.chars();
    while let Some(part) = parts.next() {
        let Some(character) = characters.next() else { return false };
        let fits = match part {
            '.' => true,
            '[' => {
                assert_eq!(parts.by_ref().take(4).collect::<String>(), "0-9]");
                character.is_ascii_digit()
            }
            literal => {
                assert!(literal.is_ascii_alphanumeric() || literal == ':', "{literal}");
                character == literal
            }
        };
        if !fits {
            return false;
        }
    }
    true
}

/// A path names a customer, and makes lines as long, and as expensive, as a caller likes.
#[test]
fn the_access_log_has_nothing_that_a_caller_writes() {
    let line: Value = serde_json::from_str(&access_log_line("200", "-")).unwrap();
    let fields: BTreeSet<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["status", "gateway_request_id", "invocation_id", "source_ip", "error"];
    assert_eq!(fields, BTreeSet::from(expected));
    let format = YAML["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"].as_str().unwrap();
    for theirs in ["path", "Path", "query", "header", "userAgent"] {
        assert!(!format.contains(theirs), "{format}");
    }
}

#[test]
fn requests_are_counted_whatever_their_callers_write() {
    let filters = resources("AWS::Logs::MetricFilter");
    let counts = |metric: &str, line: &str| {
        let (_, filter) = filters
            .iter()
            .find(|(_, filter)| filter["MetricTransformations"][0]["MetricName"] == metric)
            .unwrap();
        matches(filter["FilterPattern"].as_str().unwrap(), line)
    };
    for text in ["/v4", "\"", "{\"status\":\"503\"", "\",\"status\":\"200\"}", "Größe"] {
        for (status, failed) in [("200", false), ("404", false), ("429", false), ("500", true), ("504", true)]
        {
            let line = access_log_line(status, text);
            assert!(counts("Requests", &line), "{line}");
            assert_eq!(counts("ServerErrors", &line), failed, "{line}");
        }
    }
    let line: Value = serde_json::from_str(&access_log_line("503", "-")).unwrap();
    assert_eq!(line["status"], "503");
}

#[test]
fn the_outputs_name_every_function() {
    let functions = resources("AWS::Serverless::Function").into_iter().map(|(name, _)| json!(name));
    let outputs = YAML["Outputs"].as_object().unwrap();
    let named = outputs.iter().filter(|(name, _)| name.ends_with("FunctionName"));
    let named: BTreeSet<String> = named.map(|(_, output)| output["Value"].to_string()).collect();
    assert_eq!(named, functions.map(|name| name.to_string()).collect());
}

/// The rehearsal deploys with this policy, but there the stack's service needs no permission for its own calls.
#[test]
fn the_documented_role_may_make_what_the_stack_has() {
    let blocks = blocks(&section("docs/deploy.md", "From a pipeline"));
    let policy: Value = serde_json::from_str(&blocks[1].1).unwrap();
    let allowed: BTreeSet<String> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        })
        .map(|action| action.as_str().unwrap().split(':').next().unwrap().to_owned())
        .collect();
    let service = |kind: &str| match kind {
        "AWS::Serverless::Function" => vec!["lambda", "iam", "codedeploy"],
        "AWS::Serverless::HttpApi" => vec!["apigateway"],
        other => vec![match other.split("::").nth(1).unwrap() {
            "DynamoDB" => "dynamodb",
            "Events" => "events",
            "Pipes" => "pipes",
            "SQS" => "sqs",
            "IAM" => "iam",
            "Logs" => "logs",
            "CloudWatch" => "cloudwatch",
            unknown => panic!("which service makes {unknown}?"),
        }],
    };
    let resources = YAML["Resources"].as_object().unwrap().values();
    let needed = resources.flat_map(|resource| service(resource["Type"].as_str().unwrap()));
    let mut needed: BTreeSet<String> = needed.map(ToOwned::to_owned).collect();
    // The stack itself, its code, and the key of encrypted tables.
    needed.extend(["cloudformation", "s3", "kms"].map(ToOwned::to_owned));
    assert_eq!(allowed, needed);
}
