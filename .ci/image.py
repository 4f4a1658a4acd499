"""Builds the image of the local server and uses it as docs/local-server.md says, but for its name, port and volume.

usage: image.py LOCAL-SERVER-BINARY BASE-IMAGE
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from trial import ROOT, free_port

NAME = f"customers-categories-{uuid.uuid4().hex[:8]}"
CATEGORIES = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories"


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def build(program, base):
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(program, pathlib.Path(context, "customers-categories"))
        docker("build", "--quiet", "--build-arg", f"BASE={base}", "-t", NAME, "-f", ROOT / "Dockerfile", context)


def request(url, body=None):
    """Status and body of an answer, from a server that is starting."""
    headers = {"x-auth-roles": "API_KEY", "content-type": "application/json"}
    for _ in range(200):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, None
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} is not answered: " + docker("logs", NAME))


def serve(port):
    docker("run", "--detach", "--rm", "--name", NAME, "-p", f"127.0.0.1:{port}:3000", "-v", f"{NAME}:/data", NAME)
    return f"http://127.0.0.1:{port}"


def main(program, base):
    build(program, base)
    try:
        url = serve(free_port())
        version = request(f"{url}/health")[1]
        created, _ = request(url + CATEGORIES, b'{"id": 7, "value": "gold"}')
        keys = docker("exec", NAME, "customers-categories", "keys", "list")
        docker("stop", NAME)
        # The data is in the volume, and the server ends by the signal that Docker sends.
        url = serve(free_port())
        kept = request(url + CATEGORIES)[1]["categories"][0]["value"]
        told = docker("run", "--rm", NAME, "--version")
    finally:
        subprocess.run(["docker", "rm", "--force", NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["docker", "volume", "rm", NAME], stdout=subprocess.DEVNULL)
        subprocess.run(["docker", "rmi", NAME], stdout=subprocess.DEVNULL)
    right = created == 201 and "READ_ONLY" in keys and kept == "gold" and version["version"] in told
    print(f"image: {told.strip()}, created {created}, kept {kept}" + ("" if right else f": {version} {keys}"))
    return not right


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
