"""Starts ministack, an emulator of AWS, with the parts of it that template.yaml needs and it lacks.

Each part says what of AWS it stands for. They reach into ministack, so its version is pinned.

The environment configures it: GATEWAY_PORT, BIND_HOST, AUTH=true for IAM. It is ready when /_ministack/health
answers. What it is asked to deploy through CodeDeploy goes to standard output, a line for each group.
"""

import contextvars
import importlib.metadata
import json
import os
import re
import sys

VERSION = "1.5.33"
installed = importlib.metadata.version("ministack")
if installed != VERSION:
    sys.exit(f"emulator.py is written for ministack {VERSION}, not {installed}")

import botocore.session  # noqa: E402
import botocore.validate  # noqa: E402
from ministack import app  # noqa: E402
from ministack.services import apigateway, cloudwatch, eventbridge, lambda_svc, pipes  # noqa: E402
from ministack.services.cloudformation import changesets, engine, handlers, provisioners  # noqa: E402
from samtranslator.translator import transform as sam  # noqa: E402

HANDLERS = provisioners._RESOURCE_HANDLERS


def check(service, operation, parameters):
    """Refuses what AWS's own description of an operation does not allow."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    report = botocore.validate.ParamValidator().validate(parameters, model.input_shape)
    if report.has_errors():
        raise ValueError(report.generate_report())


def lower_first(value):
    """CloudFormation's names as CodeDeploy has them."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: lower_first(member) for name, member in value.items()}
    return [lower_first(item) for item in value] if isinstance(value, list) else value


def give_sam_the_parameters():
    """Stands for what the SAM transform knows of a stack: the values of its parameters, not their defaults alone."""
    values = contextvars.ContextVar("values", default={})
    apply, transform = engine._apply_transforms, sam.transform

    def apply_with_values(template, provided=None, previous=None):
        values.set(engine._transform_parameters(template, provided, previous))
        return apply(template, provided, previous)

    def transform_with_values(template, _, policies):
        return transform(template, values.get(), policies)

    sam.transform = transform_with_values
    handlers._apply_transforms = changesets._apply_transforms = apply_with_values


def take_requests_for_encrypted():
    """Stands for TLS, without which the bucket that `sam` makes refuses everybody."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def add_codedeploy():
    """Stands for CodeDeploy as CloudFormation makes it: applications and deployment groups, whose parameters and
    alarms are checked. It shifts no traffic: an alias leads to its new version at once."""
    applications = {}

    def application(logical_id, properties, stack):
        name = properties.get("ApplicationName") or provisioners._physical_name(stack, logical_id, max_len=100)
        platform = properties.get("ComputePlatform", "Server")
        check("codedeploy", "CreateApplication", {"applicationName": name, "computePlatform": platform})
        applications[name] = properties
        return name, {}

    def checked_group(name, properties):
        if properties["ApplicationName"] not in applications:
            raise ValueError(f"no application {properties['ApplicationName']}")
        check("codedeploy", "CreateDeploymentGroup", lower_first({**properties, "DeploymentGroupName": name}))
        alarms = [alarm["Name"] for alarm in (properties.get("AlarmConfiguration") or {}).get("Alarms") or []]
        unknown = [alarm for alarm in alarms if alarm not in cloudwatch._alarms]
        if unknown:
            raise ValueError(f"no alarms {unknown}")
        print("deployment group", name, properties["DeploymentConfigName"], len(alarms), "alarms", flush=True)
        return name, {}

    def group(logical_id, properties, stack):
        name = properties.get("DeploymentGroupName") or provisioners._physical_name(stack, logical_id, max_len=100)
        return checked_group(name, properties)

    HANDLERS["AWS::CodeDeploy::Application"] = {
        "create": application,
        "update": lambda name, old, new, stack: (name, {}),
        "delete": lambda name, properties: applications.pop(name, None),
    }
    HANDLERS["AWS::CodeDeploy::DeploymentGroup"] = {
        "create": group,
        "update": lambda name, old, new, stack: checked_group(name, new),
        "delete": lambda name, properties: None,
    }


def add_alarms_over_expressions():
    """Stands for CloudWatch's alarms over metric math: checked and described, never evaluated."""
    record = provisioners._cw_metric_alarm_record

    def with_expressions(name, properties):
        if not properties.get("Metrics"):
            return record(name, properties)
        numbers = {
            "Threshold": float(properties["Threshold"]),
            "EvaluationPeriods": int(properties["EvaluationPeriods"]),
            "DatapointsToAlarm": int(properties["DatapointsToAlarm"]),
        }
        check("cloudwatch", "PutMetricAlarm", {"AlarmName": name, **properties, **numbers})
        rest = {key: value for key, value in properties.items() if key != "Metrics"}
        flat = record(name, {**rest, "MetricName": "expression", "Namespace": "expression"})
        return {**flat, "Metrics": properties["Metrics"]}

    provisioners._cw_metric_alarm_record = with_expressions


def add_pipes_to_event_buses():
    """Stands for EventBridge Pipes from a table's stream to an event bus: filter, input template, target
    parameters. Retries, batches and dead letters are ministack's own or missing."""
    of_pipe = {}
    create, deliver = HANDLERS["AWS::Pipes::Pipe"]["create"], pipes._deliver_batch

    def create_and_remember(logical_id, properties, stack):
        name, attributes = create(logical_id, properties, stack)
        of_pipe[name] = properties
        return name, attributes

    def at(record, path):
        for member in path.split(".")[1:]:
            record = record[member]
        return record

    def passes(properties, record):
        filters = properties["SourceParameters"]["FilterCriteria"]["Filters"]
        # ministack matches patterns against an event's detail.
        patterns = [json.dumps({"detail": json.loads(each["Pattern"])}) for each in filters]
        return any(eventbridge._matches_pattern(each, {"Detail": json.dumps(record)}) for each in patterns)

    def entry(pipe, record):
        target = of_pipe[pipe["Name"]]["TargetParameters"]
        bus = target["EventBridgeEventBusParameters"]
        fill = lambda place: json.dumps(at(record, place[1]))  # noqa: E731
        return {
            "EventBusName": pipe["Target"],
            "Source": bus["Source"],
            "DetailType": at(record, bus["DetailType"]),
            "Detail": re.sub(r"<(\$[^>]+)>", fill, target["InputTemplate"]),
        }

    def deliver_to_bus(pipe, batch):
        if pipes._arn_service(pipe["Target"]) != "events":
            return deliver(pipe, batch)
        for record in batch:
            if passes(of_pipe[pipe["Name"]], record):
                status, _, body = eventbridge._put_events({"Entries": [entry(pipe, record)]})
                if status >= 400 or json.loads(body)["FailedEntryCount"]:
                    return False
        return True

    HANDLERS["AWS::Pipes::Pipe"]["create"] = create_and_remember
    pipes._deliver_batch = deliver_to_bus


def complete_function_environment():
    """Stands for what Lambda adds to a function's environment for its logging, and for the network that leads its
    requests to DynamoDB: here to this emulator."""
    environment = lambda_svc._provided_worker_env
    port = os.environ["GATEWAY_PORT"]

    def complete(config, code_dir, runtime_api_port):
        logging = config.get("LoggingConfig") or {}
        more = {
            "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
            "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup", ""),
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}",
        }
        if logging.get("ApplicationLogLevel"):
            more["AWS_LAMBDA_LOG_LEVEL"] = logging["ApplicationLogLevel"]
        return {**environment(config, code_dir, runtime_api_port), **more}

    lambda_svc._provided_worker_env = complete


def add_http_apis_from_openapi():
    """Stands for API Gateway's import of an HTTP API's OpenAPI body: routes and integrations."""
    handlers = HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handlers["create"], handlers["update"]

    def route(api, path, method, operation):
        integration = operation["x-amazon-apigateway-integration"]
        integration_id, _ = provisioners._apigw_v2_integration_create("", {
            "ApiId": api,
            "IntegrationType": integration["type"].upper(),
            "IntegrationUri": integration["uri"],
            "IntegrationMethod": integration["httpMethod"],
            "PayloadFormatVersion": integration["payloadFormatVersion"],
        }, "")
        key = "$default" if operation.get("isDefaultRoute") else f"{method.upper()} {path}"
        target = f"integrations/{integration_id}"
        provisioners._apigw_v2_route_create("", {"ApiId": api, "RouteKey": key, "Target": target}, "")

    def take_in(api, body):
        apigateway._routes[api], apigateway._integrations[api] = {}, {}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                route(api, path, method, operation)

    def create_with_body(logical_id, properties, stack):
        made = create(logical_id, properties, stack)
        take_in(made[0], properties["Body"])
        return made

    def update_with_body(api, old, new, stack, logical_id=None):
        made = update(api, old, new, stack, logical_id)
        take_in(made[0], new["Body"])
        return made

    handlers.update(create=create_with_body, update=update_with_body)


give_sam_the_parameters()
take_requests_for_encrypted()
add_codedeploy()
add_alarms_over_expressions()
add_pipes_to_event_buses()
complete_function_environment()
add_http_apis_from_openapi()
sys.exit(app.main())
