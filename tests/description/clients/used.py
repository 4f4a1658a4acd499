"""Runs a client with an address that leads to the API, and fails unless it has used all that openapi.yaml has:
every operation, every parameter of it, every member of its body.

usage: used.py URL COMMAND…, which gets the address as its last argument
"""

import http.client
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import urllib.parse

import yaml

DESCRIPTION = yaml.safe_load((pathlib.Path(__file__).parents[3] / "openapi.yaml").read_text())
METHODS = ("delete", "get", "patch", "post", "put")


def resolved(value):
    """Follows `$ref`."""
    while "$ref" in value:
        found = DESCRIPTION
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def described():
    """Of every operation: id, method, path, and what it can be sent."""
    for path, item in DESCRIPTION["paths"].items():
        for method in METHODS & item.keys():
            operation = item[method]
            parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
            parts = {(each["in"], each["name"].lower()) for each in map(resolved, parameters)}
            for content in resolved(operation.get("requestBody", {})).get("content", {}).values():
                parts |= {("body", name) for name in resolved(content["schema"])["properties"]}
            yield operation["operationId"], method.upper(), path, parts


def sent(method, target, headers, body):
    """The operation that a request is, and what it was sent. A literal segment wins over a parameter."""
    path, _, query = target.partition("?")
    fitting = [
        (template.count("{"), operation, template)
        for operation, of, template, _ in described()
        if of == method and re.fullmatch(re.sub(r"\{.*?\}", "[^/]+", template), path)
    ]
    if not fitting:
        return None, set()
    _, operation, template = min(fitting)
    parts = {("path", name) for name in re.findall(r"\{(.*?)\}", template)}
    parts |= {("query", name) for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True)}
    parts |= {("header", name.lower()) for name in headers}
    return operation, parts | {("body", name) for name in (json.loads(body) if body else {})}


def recorder(upstream, seen):
    """Passes requests on, and keeps what was sent in those that were answered with success."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(upstream).netloc, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status < 400:
                operation, parts = sent(self.command, self.path, self.headers, body)
                seen.setdefault(operation, set()).update(parts)
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() != "connection":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    for method in METHODS:
        setattr(Handler, f"do_{method.upper()}", Handler.pass_on)
    return Handler


def main(upstream, *command):
    seen = {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), recorder(upstream, seen)) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            status = subprocess.run([*command, f"http://127.0.0.1:{server.server_port}"], timeout=120).returncode
        finally:
            server.shutdown()
    if status:
        return status
    unused = [
        f"{operation}: {where} {name}"
        for operation, _, _, parts in described()
        for where, name in sorted(parts - seen.get(operation, set()))
    ]
    print("\n".join(["FAILED: not used", *unused]) if unused else "ok: everything described is used")
    return bool(unused)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
