"""The walk-through and a sample event through `cargo lambda watch` and `cargo lambda invoke`, as in
docs/local-server.md, after a build.

usage: watch.py LOCAL-SERVER-BINARY
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from trial import ROOT, free_port, local_server, running, wait_for_port, walk_through


def documented_variables(dynamodb):
    """What docs/local-server.md exports, for another DynamoDB endpoint."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "docs/local-server.md").read_text())
    exported = re.search(r"^export (CATEGORIES_TABLE=.+)$", text, re.MULTILINE)[1]
    variables = dict(pair.split("=", 1) for pair in exported.split())
    return {**variables, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb}


def main(program):
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, local_server(program) as (_, dynamodb):
        environment = {**os.environ, **documented_variables(dynamodb)}
        command = ["cargo", "lambda", "watch", "--invoke-port", str(port)]
        log = pathlib.Path(folder, "watch")
        with running(command, log, cwd=ROOT, env=environment, start_new_session=True) as watch:
            wait_for_port(port, watch)
            failed = walk_through(f"http://127.0.0.1:{port}")
            command = ["cargo", "lambda", "invoke", "get-category", "--data-file", "events/get-category.json"]
            command += ["--invoke-port", str(port)]
            run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
            status = json.loads(run.stdout)["statusCode"]
            print(f"invoked: {status}")
            # The walk-through has deleted it.
            return failed + (status != 404)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1])))
