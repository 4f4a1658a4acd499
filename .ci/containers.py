"""Runs the sample events through `sam local invoke` and the walk-through through `sam local start-api`.

The commands are those of docs/local-server.md, but for the image and the ports. The statuses have to be as
documented.

usage: containers.py LOCAL-SERVER-BINARY IMAGE
"""

import fcntl
import json
import pathlib
import platform
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from trial import ROOT, events, free_port, local_server, running, wait_for_port, walk_through

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
GET_INTERFACE_ADDRESS = 0x8915  # SIOCGIFADDR of Linux


def bridge():
    """The address at which containers reach this machine: that of the interface docker0."""
    request = struct.pack("256s", b"docker0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, GET_INTERFACE_ADDRESS, request)
    return socket.inet_ntoa(answer[20:24])


def options(folder, image, dynamodb):
    """The options of `sam local` for a DynamoDB endpoint."""
    variables = json.loads((ROOT / "events/env.local.json").read_text())
    port = dynamodb.rsplit(":", 1)[1]
    documented = variables["Parameters"]["AWS_ENDPOINT_URL_DYNAMODB"]
    variables["Parameters"]["AWS_ENDPOINT_URL_DYNAMODB"] = documented.replace(":8000", f":{port}")
    file = pathlib.Path(folder, f"{port}.json")
    file.write_text(json.dumps(variables))
    return [
        "--env-vars", file,
        "--add-host", "host.docker.internal:host-gateway",
        "--parameter-overrides", f"Architecture={ARCHITECTURE}",
        "--invoke-image", image,
        "--skip-pull-image",
    ]  # fmt: skip


def replay(folder, image, dynamodb):
    """`sam local invoke` for each sample event. Returns how many statuses are wrong."""
    failed = 0
    for event, _, resource, status in events():
        command = ["sam", "local", "invoke", resource, "-e", f"events/{event}", *options(folder, image, dynamodb)]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        try:
            answered = json.loads(run.stdout)["statusCode"]
        except (json.JSONDecodeError, KeyError):
            answered = None
        failed += answered != status
        print(f"{event}: {answered}" + ("" if answered == status else f", not {status}: {run.stdout}{run.stderr}"))
    return failed


def serve(folder, image, dynamodb):
    """The walk-through and the `$default` route through `sam local start-api`. Returns how many are wrong."""
    port = free_port()
    command = ["sam", "local", "start-api", "--port", str(port), "--warm-containers", "LAZY"]
    command += options(folder, image, dynamodb)
    with running(command, pathlib.Path(folder, "start-api"), cwd=ROOT) as api:
        wait_for_port(port, api, seconds=60)
        failed = walk_through(f"http://127.0.0.1:{port}")
        unknown = urllib.request.Request(f"http://127.0.0.1:{port}/v4/elsewhere", method="PUT")
        try:
            answered = urllib.request.urlopen(unknown, timeout=60).status
        except urllib.error.HTTPError as error:
            answered = error.code
        print(f"$default: {answered}")
        return failed + (answered != 404)


def main(program, image):
    with tempfile.TemporaryDirectory() as folder:
        reachable = ["--dynamodb-address", bridge(), "--allow-host", "host.docker.internal"]
        with local_server(program, *reachable) as (_, dynamodb):
            failed = replay(folder, image, dynamodb)
        with local_server(program, *reachable) as (_, dynamodb):
            return failed + serve(folder, image, dynamodb)


if __name__ == "__main__":
    sys.exit(bool(main(*sys.argv[1:])))
