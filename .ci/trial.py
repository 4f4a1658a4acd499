"""What the trials of the deployment share: the sample events, the walk-through, a local server."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `((\S+?)(?:\.\S+)?\.json)` \| .+ \| (\d{3}) \|$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.+?)^```\n+(?:^```http\nHTTP/1.1 (\d{3}))?", re.MULTILINE | re.DOTALL)
MARK = "--- end of a block ---"
STARTED = re.compile(r"listening on (\S+)\n(?:.+\n)*?DynamoDB at (\S+)\n(?:.+\n)*?Ctrl-C ends it\n")


def events():
    """The table of events/README.md in its order: file, function, the function's resource, status."""
    rows = ROW.findall((ROOT / "events/README.md").read_text())
    functions = {path.name for path in (ROOT / "functions").iterdir()} - {"local"}
    if {function for _, function, _ in rows} != functions:
        raise SystemExit("events/README.md does not have an event for every function, or names others")
    return [(file, function, resource(function), int(status)) for file, function, status in rows]


def resource(function):
    """The function's name in template.yaml."""
    return "".join(part.capitalize() for part in function.split("-")) + "Function"


def walk_through(url):
    """Runs the walk-through of the documents, as it stands, against another port of this machine. Returns how many
    statuses differ from those shown."""
    documents = "".join((ROOT / document).read_text() for document in ("README.md", "docs/api.md"))
    blocks = [(command, status) for command, status in BLOCK.findall(documents) if "curl " in command]
    if sum(status != "" for _, status in blocks) < 9:
        raise SystemExit(f"only {len(blocks)} steps in the walk-through")
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        authority = url.removeprefix("http://")
        pathlib.Path(home, ".curlrc").write_text(f'silent\nconnect-to = "127.0.0.1:3000:{authority}"\n')
        # One shell, for what a block sets is used by those after it.
        script = "".join(f"{command}\nprintf '\\n{MARK}\\n'\n" for command, _ in blocks)
        environment = {**os.environ, "CURL_HOME": home}
        run = subprocess.run(["bash"], input=script, env=environment, stdout=subprocess.PIPE, text=True)
    answers = run.stdout.split(f"\n{MARK}\n")
    for (command, status), answer in zip(blocks, answers, strict=False):
        shown = re.match(r"HTTP/1.1 (\d{3})", answer)
        right = (shown[1] if shown else "") == status
        failed += not right
        print(f"walk-through: {shown and shown[1]}" + ("" if right else f", not {status}: {command}{answer}"))
    return failed + (len(answers) != len(blocks) + 1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process, seconds=30):
    """Waits until a process listens on a port of 127.0.0.1."""
    for _ in range(seconds * 20):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} ended with {process.returncode}")
        time.sleep(0.05)
    raise SystemExit(f"{process.args[0]} does not listen")


@contextlib.contextmanager
def running(arguments, log, **options):
    """A process that ends with the block, with its children if it leads a session; what it wrote is shown where the
    block fails."""
    with open(log, "wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    except BaseException:
        print(pathlib.Path(log).read_text(errors="replace"))
        raise
    finally:
        end(process, signal.SIGTERM, options)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            end(process, signal.SIGKILL, options)
            process.wait()


def end(process, how, options):
    if not options.get("start_new_session"):
        process.send_signal(how)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)


@contextlib.contextmanager
def local_server(program, *options):
    """The local server on free ports, its data in memory: its URL and that of its DynamoDB endpoint."""
    arguments = [program, "--in-memory", "--port", "0", "--dynamodb-port", "0", *options]
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        with running(arguments, log) as server:
            while not (found := STARTED.match(log.read_text())):
                if server.poll() is not None:
                    raise SystemExit(f"{program} ended with {server.returncode}")
                time.sleep(0.02)
            yield found.groups()
