"""Rehearses the stack's life on emulator.py, by the commands of docs/deploy.md, and holds the deployed API against
the local server.

usage: rehearsal.py LOCAL-SERVER-BINARY LAMBDA-FOLDER
"""

import contextlib
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3

from trial import ROOT, free_port, local_server, resource, running, wait_for_port

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
REGION = "eu-west-1"
STACK = "customers-categories"
CUSTOMER = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000"
CATEGORIES = f"{CUSTOMER}/categories"
# What servers and gateways add to an answer by themselves.
OF_SERVERS = {"apigw-requestid", "connection", "content-length", "date", "server", "transfer-encoding"}
BETWEEN_RUNS = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "<revision>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r'"(next_cursor)": ?"[^"]+"'), r'"\1": "<cursor>"'),
    (re.compile(r'"ref": ?"[^"]*#'), r'"ref": "<docs>#'),
]


def require(condition, message):
    if not condition:
        raise SystemExit(f"rehearsal: {message}")


def documented(begins, *more, **values):
    """The command of docs/deploy.md that begins so, as words, with `more` at its end. `values` take the places that
    it names in capital letters."""
    lines = (ROOT / "docs/deploy.md").read_text().splitlines()
    found = [line for line in lines if line.startswith(begins)]
    require(len(found) == 1, f"docs/deploy.md does not have one command that begins with: {begins}")
    command = found[0]
    for place, value in values.items():
        command = command.replace(place.replace("_", "-"), value)
    return [*shlex.split(command), *more]


def role_policy():
    """What docs/deploy.md gives to the role of a pipeline."""
    section = (ROOT / "docs/deploy.md").read_text().split("\n## From a pipeline\n")[1]
    return section.split("```json\n")[2].split("```")[0]


class Account:
    """An account of the emulator."""

    def __init__(self, endpoint, logs):
        self.endpoint, self.logs = endpoint, logs
        self.credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        self.pipeline = self.user("pipeline", role_policy())

    def client(self, service):
        keys = {name.lower(): value for name, value in self.credentials.items()}
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **keys)

    def run(self, command, **environment):
        """Runs a command against the account. Returns its standard output."""
        nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        there = {"AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        there["SAM_CLI_POLL_DELAY"] = "0.5"
        environment = {**os.environ, **nothing, **self.credentials, **there, **environment}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        require(run.returncode == 0, f"{command} ended with {run.returncode}\n{run.stdout}\n{run.stderr}")
        return run.stdout

    def user(self, user, policy):
        """The credentials of a new user who may do no more than the policy has."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName=user, PolicyDocument=policy)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def deploy(self, command=None, **parameters):
        """`sam deploy`, or a command in its place, with the pipeline's permissions. Returns the stack's outputs."""
        before = (ROOT / "samconfig.toml").read_text()
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        command = command or ["sam", "deploy", "--no-confirm-changeset", "--parameter-overrides", *overrides]
        self.run(command, **self.pipeline)
        require((ROOT / "samconfig.toml").read_text() == before, "sam deploy changed samconfig.toml")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        require(stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), f"the stack is {stack['StackStatus']}")
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def live(self, outputs, function="get-category"):
        """The configuration that callers of a function reach."""
        name = outputs[f"{resource(function)}Name"]
        return self.client("lambda").get_function_configuration(FunctionName=name, Qualifier="live")

    def call(self, outputs, method, path, headers, body=None):
        """A request to the deployed API: status, headers, body."""
        host = outputs["ApiUrl"].removeprefix("https://").split(".")[0] + ".execute-api.localhost"
        return call(self.endpoint, method, path, {**headers, "host": host}, body)


def call(url, method, path, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    kind = {} if body is None else {"content-type": "application/json"}
    request = urllib.request.Request(url + path, data, {**kind, **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def comparable(answer):
    """An answer without what differs from run to run."""
    status, headers, body = answer
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in OF_SERVERS}
    kept["x-request-id"] = bool(kept.get("x-request-id"))
    if not body:
        # The emulator's gateway gives even an empty body a type.
        kept.pop("content-type", None)
    text = json.dumps([status, kept, body], indent=1, sort_keys=True)
    for pattern, place in BETWEEN_RUNS:
        text = pattern.sub(place, text.replace('\\"', '"'))
    return text


def requests(key):
    """The six operations and `$default`, some of them refused."""
    of_key = {"x-auth-roles": key}
    category = f"{CATEGORIES}/7"
    return [
        ("POST", CATEGORIES, of_key, {"id": 7, "value": "gold", "reason": "Größe \"7\" <&>"}),
        ("POST", CATEGORIES, of_key, {"id": 7, "value": "silver"}),
        ("POST", CATEGORIES, {**of_key, "idempotency-key": "once"}, {"id": 8, "value": "churn risk"}),
        ("POST", CATEGORIES, {**of_key, "idempotency-key": "once"}, {"id": 8, "value": "churn risk"}),
        ("POST", CATEGORIES, of_key, {"id": "7"}),
        ("GET", CATEGORIES, of_key, None),
        ("GET", f"{CATEGORIES}?limit=1", of_key, None),
        ("GET", f"{CATEGORIES}?as_of=2026-01-01T00:00:00Z", of_key, None),
        ("GET", CATEGORIES, {}, None),
        ("GET", CATEGORIES, {"x-auth-roles": "mcus_unknown"}, None),
        ("GET", CATEGORIES.replace("telco", "rival"), of_key, None),
        ("GET", category, of_key, None),
        ("GET", f"{CATEGORIES}/9", of_key, None),
        ("GET", f"{CATEGORIES}/seven", of_key, None),
        ("PATCH", category, of_key, {"value": "platinum", "description": "Bill discount"}),
        ("PATCH", category, {**of_key, "if-match": '"01a208e8-fe27-75de-a151-569bda83de6f"'}, {"value": "none"}),
        ("DELETE", f"{category}?reason=Contract%20ended", of_key, None),
        ("DELETE", category, of_key, None),
        ("GET", f"{CATEGORIES}/historical", of_key, None),
        ("GET", f"{CATEGORIES}/historical?category_id=8&limit=1", of_key, None),
        ("PUT", CATEGORIES, of_key, None),
        ("GET", "/v4/elsewhere", of_key, None),
    ]


def new_key(run, program, *options):
    return run([program, "keys", *options, "create", "--name", "crm-backend", "--org", "telco",
                "--role", "categories:read", "--role", "categories:write"]).strip()  # fmt: skip


def compare(account, outputs, program):
    """Sends the same requests to the deployed API and to the local server. Returns the deployed API's key."""
    key = new_key(account.run, program, "--table", outputs["KeysTableName"])
    with local_server(program) as (url, dynamodb):
        port = dynamodb.rsplit(":", 1)[1]
        local_key = new_key(account.run, program, "--in-memory", "--dynamodb-port", port)
        for here, there in zip(requests(local_key), requests(key)):
            expected, answered = comparable(call(url, *here)), comparable(account.call(outputs, *there))
            require(answered == expected, f"{there[:2]} is answered\n{answered}\nand locally\n{expected}")
            print(f"{there[0]} {there[1]}: alike, {answered.split()[1].rstrip(',')}")
    return key


@contextlib.contextmanager
def subscribed(account, outputs):
    """The documented rule, with a queue behind it, while the block runs."""
    block = (ROOT / "docs/change-events.md").read_text().split("\nA rule for ")[1].split("```json\n")[1].split("```")[0]
    bus, events, queues = outputs["ChangeEventsBusName"], account.client("events"), account.client("sqs")
    queue = queues.create_queue(QueueName="follower")["QueueUrl"]
    attributes = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(EventBusName=bus, Name="follow-telco", EventPattern=block)
    target = {"Id": "follower", "Arn": attributes["QueueArn"]}
    events.put_targets(EventBusName=bus, Rule="follow-telco", Targets=[target])
    yield queues, queue
    events.remove_targets(EventBusName=bus, Rule="follow-telco", Ids=["follower"])
    events.delete_rule(EventBusName=bus, Name="follow-telco")


def follow(queues, queue, category, wanted):
    """Waits for a category's events of these types, in their order. What the pipe still finds of others in the stream
    comes before or after the rule is there."""
    seen = []
    for _ in range(60):
        for message in queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            seen += [event] if event["detail"]["category_id"] == category else []
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        if len(seen) >= len(wanted):
            break
        time.sleep(0.25)
    types = [event["detail-type"] for event in seen]
    require(types == wanted, f"the rule let through {types}, not {wanted}")
    for event in seen:
        members = {"customer", "category_id", "change", "revision", "entry"}
        require(set(event["detail"]) == members, f"an event has {set(event['detail'])}")
    print(f"change events: {types}")


def update(account, key):
    """Changes every parameter that reaches a function. Each change has to be there for callers."""
    steps = [
        ({"MemorySize": "512"}, lambda live: live["MemorySize"] == 512),
        ({"DocsUrl": "https://docs.example.com/categories"},
         lambda live: live["Environment"]["Variables"]["DOCS_URL"] == "https://docs.example.com/categories"),
        ({"LogLevel": "WARN"}, lambda live: live["Environment"]["Variables"]["LOG_LEVEL"] == "WARN"),
        ({"LogFormat": "Text"}, lambda live: live["LoggingConfig"]["LogFormat"] == "Text"),
        ({"LogLevel": "ERROR"}, lambda live: live["Environment"]["Variables"]["LOG_LEVEL"] == "ERROR"),
        ({"LogFormat": "JSON"}, lambda live: live["LoggingConfig"]["ApplicationLogLevel"] == "INFO"),
        ({"Tracing": "Active"}, lambda live: live["TracingConfig"]["Mode"] == "Active"),
        ({"Architecture": "arm64" if ARCHITECTURE == "x86_64" else "x86_64"},
         lambda live: live["Architectures"] != [ARCHITECTURE]),
        ({"Architecture": ARCHITECTURE}, lambda live: live["Architectures"] == [ARCHITECTURE]),
    ]  # fmt: skip
    for parameters, there in steps:
        outputs = account.deploy(**parameters)
        live = account.live(outputs)
        require(there(live), f"{parameters} does not reach callers: {live}")
        print(f"update with {parameters}: live is version {live['Version']}")
    change_limits(account)
    for deployment, wanted in [
        ("AllAtOnceWithoutAlarms", "LambdaAllAtOnce 0 alarms"),
        ("Canary10Percent5Minutes", "LambdaCanary10Percent5Minutes 3 alarms"),
    ]:
        command = f"sam deploy --parameter-overrides Deployment={deployment}"
        account.deploy(documented(command, "--no-confirm-changeset"))
        groups = re.findall(r"deployment group .*", account.logs.read_text())[-13:]
        require(all(wanted in group for group in groups), f"with {deployment} there are {groups}")
        print(f"Deployment={deployment}: {wanted}")
    status, _, body = account.call(outputs, "GET", f"{CATEGORIES}/9", {"x-auth-roles": key})
    require(status == 404 and '"https://docs.example.com/categories#' in body, f"callers see {status} {body}")
    return outputs


def change_limits(account):
    """What reaches no function: throttling by kind of route, the name under which the API answers, the key of logs."""
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    outputs = account.deploy(WriteThrottlingRateLimit="100", UnmatchedThrottlingRateLimit="10", LogsKmsKeyArn=key)
    gateway = account.client("apigatewayv2")
    api = outputs["ApiUrl"].removeprefix("https://").split(".")[0]
    [stage] = gateway.get_stages(ApiId=api)["Items"]
    # The emulator does not give the rates back.
    limited = set(stage["RouteSettings"])
    require(len(limited) == 11 and "$default" in limited, f"routes with limits of their own: {limited}")
    for group in account.client("logs").describe_log_groups()["logGroups"]:
        if group["logGroupName"].startswith((f"{STACK}-FunctionLogs", "/aws/vendedlogs/apigateway/")):
            require(group.get("kmsKeyId") == key, f"{group} is not encrypted with {key}")
    # The emulator goes on answering under the name.
    for endpoint in ["Disabled", "Enabled"]:
        account.deploy(DefaultEndpoint=endpoint)
    print("limits, log key and endpoint: changed")


def update_one_function(account, outputs, key, folder):
    """`cargo lambda deploy` onto the stack's function."""
    name, before = outputs["GetCategoryFunctionName"], account.live(outputs)
    # The code is what it was, and Lambda makes no version of that.
    more = ["--lambda-dir", folder, "--tag", "by=hand"]
    command = documented("cargo lambda deploy --binary-name get-category", *more, FUNCTION_NAME=name)
    print(account.run(command).strip())
    after = account.live(outputs)
    require(after["Version"] != before["Version"], "live did not move")
    for kept in ("Environment", "MemorySize", "Timeout", "Role", "LoggingConfig", "Architectures"):
        require(after[kept] == before[kept], f"cargo lambda deploy changed {kept}: {before[kept]} to {after[kept]}")
    status, _, body = account.call(outputs, "GET", f"{CATEGORIES}/8", {"x-auth-roles": key})
    require(status == 200, f"after cargo lambda deploy: {status} {body}")


def deploy_one_function(account, outputs, folder):
    """`cargo lambda deploy` without a stack, but for its tables."""
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    reads = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": "*"}
    document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})  # noqa: E731
    role = iam.create_role(RoleName="by-hand", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="by-hand", PolicyName="reads", PolicyDocument=document(reads))
    tables = {"CATEGORIES_TABLE_NAME": outputs["CategoriesTableName"], "KEYS_TABLE_NAME": outputs["KeysTableName"]}
    command = documented("cargo lambda deploy --iam-role", "--lambda-dir", folder, ROLE_ARN=role, **tables)
    print(account.run(command).strip())
    answer = account.run(documented("cargo lambda invoke --remote"))
    require(json.loads(answer)["statusCode"] == 401, f"invoked, it answers {answer}")
    account.client("lambda").delete_function(FunctionName="get-category")


def delete(account, outputs):
    """`sam delete`. Both tables stay."""
    account.run(["sam", "delete", "--no-prompts"], **account.pipeline)
    tables = account.client("dynamodb").list_tables()["TableNames"]
    kept = {outputs["CategoriesTableName"], outputs["KeysTableName"]}
    require(set(tables) == kept, f"after sam delete there are {tables}, not {kept}")
    require(not account.client("lambda").list_functions()["Functions"], "sam delete left functions")
    print("sam delete: both tables are kept")


def deploy_onto_kept_tables(account, outputs, key):
    """A new stack on the tables of the deleted one: the old key opens the old data, and changes are published."""
    table = account.client("dynamodb").describe_table(TableName=outputs["CategoriesTableName"])["Table"]
    tables = {"CATEGORIES_TABLE_NAME": outputs["CategoriesTableName"], "KEYS_TABLE_NAME": outputs["KeysTableName"]}
    command = documented("sam deploy --parameter-overrides ExistingCategoriesTable", "--no-confirm-changeset", **tables)
    outputs = account.deploy(command)
    for method, path, wanted in [("GET", f"{CATEGORIES}/8", 200), ("DELETE", f"{CATEGORIES}/8", 204)]:
        status, _, body = account.call(outputs, method, path, {"x-auth-roles": key})
        require(status == wanted, f"on the kept tables, {method} {path} is answered {status} {body}")
    tables = account.client("dynamodb").list_tables()["TableNames"]
    require(len(tables) == 2, f"there are {tables}")
    stream = table["LatestStreamArn"]
    command = documented("sam deploy --parameter-overrides ChangeEvents", "--no-confirm-changeset", STREAM_ARN=stream)
    outputs = account.deploy(command)
    with subscribed(account, outputs) as (queues, queue):
        account.call(outputs, "POST", CATEGORIES, {"x-auth-roles": key}, {"id": 9, "value": "gold"})
        account.call(outputs, "DELETE", f"{CATEGORIES}/9", {"x-auth-roles": key})
        follow(queues, queue, "9", ["CustomerCategoryDeleted"])
    account.run(["sam", "delete", "--no-prompts"])


def main(program, folder):
    port = free_port()
    with tempfile.TemporaryDirectory() as work:
        logs = pathlib.Path(work, "emulator")
        environment = {
            "PATH": os.environ["PATH"], "HOME": work, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1",
            "AUTH": "true", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0",
        }  # fmt: skip
        emulator = [sys.executable, ROOT / ".ci/emulator.py"]
        with running(emulator, logs, env=environment, cwd=work) as process:
            wait_for_port(port, process)
            account = Account(f"http://127.0.0.1:{port}", logs)
            outputs = account.deploy(Architecture=ARCHITECTURE, ChangeEvents="Enabled")
            with subscribed(account, outputs) as (queues, queue):
                key = compare(account, outputs, program)
                follow(queues, queue, "7", ["CustomerCategoryUpdated", "CustomerCategoryDeleted"])
            outputs = update(account, key)
            update_one_function(account, outputs, key, folder)
            deploy_one_function(account, outputs, folder)
            delete(account, outputs)
            deploy_onto_kept_tables(account, outputs, key)


if __name__ == "__main__":
    main(*sys.argv[1:])
