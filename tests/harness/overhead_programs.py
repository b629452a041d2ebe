"""A small service and scenarios for tests of whole runs that measure what Sentry costs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from pytest_sentry_harness.harness.run import run_scenario
from pytest_sentry_harness.model.scenario import Scenario
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

# Without a framework, nor integrations of those that happen to be installed: it starts fast, answers HTTP/1.1 over kept connections, and does what the path says.
SERVICE = """
import http.server, os, signal, socketserver, sys, threading, time
import sentry_sdk

DSN = os.environ.get("MY_DSN", "")
ON = bool(DSN) and not os.environ.get("NEVER")
if os.environ.get("ALWAYS"):
    sentry_sdk.init(DSN, release="s@1", auto_enabling_integrations=False)
elif ON:
    sentry_sdk.init(DSN, release="s@1", auto_enabling_integrations=False,
                    transport_queue_size=int(os.environ.get("QUEUE", "1000")))
STARTS = os.environ.get("STARTS")
START = 0
if STARTS and ON:
    with open(STARTS, "a+") as file:
        file.write("x")
        file.seek(0)
        START = len(file.read())

def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def log_message(self, *args):
        pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, b'{"access_token": "t0k"}')
    def do_GET(self):
        if self.path == "/work":
            burn(0.001)
            if ON:
                burn(float(os.environ.get("BURN", "0")) / 1e3)
                time.sleep(float(os.environ.get("SLEEP", "0")) / 1e3)
            if START >= int(os.environ.get("DIES_AT", "99")):
                os._exit(7)
        if self.path == "/broken":
            trace = self.headers.get("sentry-trace", "")
            with sentry_sdk.isolation_scope():
                sentry_sdk.continue_trace({"sentry-trace": trace})
                sentry_sdk.capture_exception(RuntimeError("broken"))
            if self.headers.get("Connection") != "close":
                return self.reply(400, b"what raises shall have a connection of its own")
            return self.reply(500, b"broken")
        if self.path == "/private" and self.headers.get("Authorization") != "Bearer t0k":
            return self.reply(401, b"who are you?")
        if self.path == "/missing":
            return self.reply(404, b"nothing here")
        self.reply(200, b"ok")
    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
if ON and not os.environ.get("SILENT"):
    sentry_sdk.capture_message("started")
server.serve_forever()
"""
SCENARIO = """
[scenario]
name = "cost"
question = "What does it cost?"
seed = 3

[target]
command = "{{python}} service.py {port}"
{ready}
env = {{ {env} }}
stop_timeout = "20s"

[overhead]
without = {without}
pairs = {pairs}
block = 2
warm_up = 8
measure = "{measure}"
{requests}
{more}
"""
WORK = """
[[overhead.request]]
name = "work"
send = "GET /work"
"""


def write(
    folder: Path,
    *,
    env: str = "",
    without: str = '{ env = { MY_DSN = "" } }',
    requests: str = WORK,
    more: str = "",
    pairs: int = 3,
    measure: str = "300ms",
    port: str = "{port}",
    ready: str = 'ready = "/health"',
) -> Scenario:
    """Write service and scenario, and read the latter."""
    (folder / "service.py").write_text(SERVICE, encoding="utf-8")
    text = textwrap.dedent(SCENARIO).format(
        env=", ".join(filter(None, ['MY_DSN = "{dsn}"', env])),
        without=without,
        requests=requests,
        more=more,
        pairs=pairs,
        measure=measure,
        port=port,
        ready=ready,
    )
    path = folder / "cost.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path)


def cost(folder: Path, **changes: Any) -> RunDocument:
    """Run such a scenario and give the judged document; its run folder lies under ``folder``/runs."""
    return run_scenario(write(folder, **changes), runs=folder / "runs")
