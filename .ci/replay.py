"""Replays the sample events against the built functions.

Each `bootstrap` runs under AWS's own Runtime Interface Emulator, with the variables that `sam local` would hand
to it, over the local engine. The events come in the order of their table and have to be answered with the
statuses that it has.

usage: replay.py BUILD-FOLDER LOCAL-SERVER-BINARY
"""

import contextlib
import json
import os
import pathlib
import platform
import sys
import tempfile
import urllib.request

import samcli
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.local.lambdafn.env_vars import EnvironmentVariables

from trial import ROOT, events, free_port, local_server, running, wait_for_port

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
EMULATOR = pathlib.Path(samcli.__file__).parent / f"local/rapid/aws-lambda-rie-{ARCHITECTURE}"


def variables(functions, resource, overrides):
    """What `sam local invoke --env-vars` sets for a function of the template."""
    function = functions.get(resource)
    return EnvironmentVariables(
        function.name,
        function.memory,
        function.timeout,
        function.handler,
        variables=function.environment["Variables"],
        override_values=overrides,
    ).resolve()


def start(bootstrap, variables, log, stack):
    """Starts a built function under an emulator of its own, which breaks on concurrent calls. Returns the port."""
    port = free_port()
    arguments = [
        EMULATOR,
        "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
        "--runtime-api-address", f"127.0.0.1:{free_port()}",
        bootstrap,
    ]  # fmt: skip
    wait_for_port(port, stack.enter_context(running(arguments, log, env={**os.environ, **variables})))
    return port


def invoke(port, event):
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urllib.request.urlopen(urllib.request.Request(url, event), timeout=60) as answer:
        # A function's failure is a 200 here, too: only the body tells.
        return json.load(answer)


def main(build, program):
    stacks, _ = SamLocalStackProvider.get_stacks(str(ROOT / "template.yaml"))
    in_template = SamFunctionProvider(stacks)
    overrides = json.loads((ROOT / "events/env.local.json").read_text())["Parameters"]
    ports, failed = {}, 0
    with contextlib.ExitStack() as stack:
        logs = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _, overrides["AWS_ENDPOINT_URL_DYNAMODB"] = stack.enter_context(local_server(program))
        for event, function, resource, status in events():
            log = logs / function
            if function not in ports:
                environment = variables(in_template, resource, overrides)
                ports[function] = start(build / resource / "bootstrap", environment, log, stack)
            answer = invoke(ports[function], (ROOT / "events" / event).read_bytes())
            right = answer.get("statusCode") == status
            failed += not right
            print(f"{event}: {answer.get('statusCode')}" + ("" if right else f", not {status}: {answer}\n{log.read_text()}"))
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(pathlib.Path(sys.argv[1]), sys.argv[2])))
