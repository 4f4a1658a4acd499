"""Replays the sample events against the built functions.

Each `bootstrap` runs under AWS's own Runtime Interface Emulator, with the variables that `sam local` would hand
to it, over the local engine. The events come in the order of the table in events/README.md and have to be answered with the
statuses it shows.

usage: replay.py BUILD-FOLDER LOCAL-SERVER-BINARY
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import samcli
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.local.lambdafn.env_vars import EnvironmentVariables

ROOT = pathlib.Path(__file__).resolve().parent.parent
EMULATOR = pathlib.Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64"
ROW = re.compile(r"^\| `((\S+?)(?:\.\S+)?\.json)` \| .+ \| (\d{3}) \|$", re.MULTILINE)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


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


class Function:
    """A built function under an emulator of its own, which breaks on concurrent calls."""

    def __init__(self, bootstrap, variables):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [
                EMULATOR,
                "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}",
                "--runtime-api-address", f"127.0.0.1:{free_port()}",
                bootstrap,
            ],
            env={**os.environ, **variables},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"no emulator for {bootstrap}")

    def invoke(self, event):
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        with urllib.request.urlopen(urllib.request.Request(url, event), timeout=60) as answer:
            # A function's failure is a 200 here, too: only the body tells.
            return json.load(answer)


def main(build, local):
    server = subprocess.Popen(
        [local, "--in-memory", "--port", "0", "--dynamodb-port", "0"], stdout=subprocess.PIPE, text=True
    )
    started = [server]
    failed = 0
    try:
        endpoint = [server.stdout.readline() for _ in range(3)][2].split()[-1]
        overrides = json.loads((ROOT / "events/env.local.json").read_text())["Parameters"]
        overrides["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        stacks, _ = SamLocalStackProvider.get_stacks(str(ROOT / "template.yaml"))
        in_template = SamFunctionProvider(stacks)
        functions = {}
        rows = ROW.findall((ROOT / "events/README.md").read_text())
        for event, name, status in rows:
            if name not in functions:
                resource = "".join(part.capitalize() for part in name.split("-")) + "Function"
                functions[name] = Function(
                    build / resource / "bootstrap", variables(in_template, resource, overrides)
                )
                started.append(functions[name].process)
            answer = functions[name].invoke((ROOT / "events" / event).read_bytes())
            right = answer.get("statusCode") == int(status)
            failed += not right
            print(f"{event}: {answer.get('statusCode')}" + ("" if right else f", not {status}: {answer}"))
            if not right:
                functions[name].log.seek(0)
                print(functions[name].log.read().decode())
        print(f"{len(rows) - failed} passed, {failed} failed")
        return failed or len(rows) == 0 or len(functions) != 7
    finally:
        for process in started:
            process.kill()


if __name__ == "__main__":
    sys.exit(bool(main(pathlib.Path(sys.argv[1]), sys.argv[2])))
