"""How fast the embedded server takes envelopes in, measured against two others in the same run.

``python benchmarks/ingest.py`` makes one real error envelope, then drives in turn, over several interleaved rounds:
our server (an answer means durable), kent (its own server; what many tests use today), and the same server
library answering a constant (the most that could be reached). Servers run on one core, the load generator (wrk
when installed) on another. Absolute figures depend on the machine and on what else it does: read the ratios.

Afterwards every acknowledged envelope is looked for in the store.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_sentry_harness.protocol.encodings import decompress
from pytest_sentry_harness.server.client import EmbeddedServer
from pytest_sentry_harness.store.reader import open_store
from pytest_sentry_harness.store.schema import open_truth

HERE = Path(__file__).parent
_CONNECTIONS = 32
_WRK = """
wrk.method = "POST"
local file = io.open("%s", "rb")
wrk.body = file:read("*a")
file:close()
%s
done = function(summary, latency, requests)
  io.write(string.format("\\nRESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(slots=True)
class Arm:
    """One server under test and what was measured on it."""

    name: str
    port: int
    path: str
    pid: int
    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    acknowledged: int = 0
    memory: list[float] = field(default_factory=list)
    """Resident set in MB: before, and after each round."""
    cpu: list[float] = field(default_factory=list)
    """Processor time in µs per request: hardly touched by what else the machine does."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is sent."""

    body: bytes
    headers: dict[str, str]
    file: Path


Load = Callable[[Arm, Envelope, float, int | None], dict[str, Any]]
"""Puts load on a server for some seconds, from one core."""


def main() -> int:
    """Run the comparison and print it; 1 when a target is missed or an acknowledged envelope is not stored."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load on each server in each round")
    parser.add_argument("--without-kent", action="store_true")
    parser.add_argument(
        "--own-generator", action="store_true", help="do not use wrk, also when it is installed"
    )
    given = parser.parse_args()
    load = with_wrk if shutil.which("wrk") and not given.own_generator else with_our_own
    server_core, load_core = cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ingest-")))
        envelope = capture(folder)
        ours, server = stack.enter_context(our_server(folder / "store", envelope))
        arms = [ours, stack.enter_context(constant_server())]
        if not given.without_kent:
            arms.append(stack.enter_context(kent_server()))
        for arm in arms:
            pin(arm.pid, server_core)
            drive(arm, envelope, load, 0.5, load_core, keep=False)
            arm.memory.append(resident(arm.pid))
        for number in range(given.rounds):
            for arm in arms if number % 2 == 0 else arms[::-1]:
                drive(arm, envelope, load, given.seconds, load_core)
                arm.memory.append(resident(arm.pid))
        server.stop()
        stored = count_stored(folder / "store")
        return report(arms, stored, envelope)


def cores() -> tuple[int | None, int | None]:
    """A core for the servers and one for the load; None twice where there are not two, or no pinning."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Keep a process, with all threads it has, on one core."""
    if core is not None:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def capture(folder: Path) -> Envelope:
    """A real envelope, as a real SDK sends it, taken from a store of our own."""
    with EmbeddedServer.start(folder / "captured") as server, server.client() as client:
        project = client.create_project("payload")
        command = [sys.executable, str(HERE / "payload.py"), project.dsn]
        subprocess.run(command, check=True, capture_output=True)
        client.wait_for(timeout=30, item_type="event")
    with open_store(folder / "captured") as reader:
        events = [arrival for arrival in reader.arrivals(item_type="event") if arrival.exceptions]
        request = reader.request(events[0].request)
    file = folder / "envelope"
    file.write_bytes(request.body)
    headers = {"Content-Type": "application/x-sentry-envelope", "User-Agent": "sentry.python/2.75.0"}
    if request.encoding:
        headers["Content-Encoding"] = request.encoding
    plain = decompress(request.body, request.encoding, 1 << 26)
    print(f"payload: {len(plain)} bytes plain, {len(request.body)} bytes {request.encoding or 'plain'}")
    return Envelope(request.body, headers, file)


@contextlib.contextmanager
def our_server(folder: Path, envelope: Envelope) -> Iterator[tuple[Arm, EmbeddedServer]]:
    """The embedded server."""
    with EmbeddedServer.start(folder) as server:
        with server.client() as client:
            project = client.create_project("benchmark")
        envelope.headers["X-Sentry-Auth"] = (
            f"Sentry sentry_key={project.public_key}, sentry_version=7, sentry_client=sentry.python/2.75.0"
        )
        yield Arm("ours", server.port, f"/api/{project.project_id}/envelope/", server.pid), server


@contextlib.contextmanager
def constant_server() -> Iterator[Arm]:
    """The same server library answering a constant."""
    process = subprocess.Popen([sys.executable, str(HERE / "constant_app.py")], stdout=subprocess.PIPE)
    with ended(process):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        wait_for_port(port)
        yield Arm("constant", port, "/api/1/envelope/", process.pid)


@contextlib.contextmanager
def kent_server() -> Iterator[Arm]:
    """Kent as its documentation says to run it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "kent-server"), "run", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with ended(process):
        wait_for_port(port)
        yield Arm("kent", port, "/api/1/envelope/", process.pid)


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process after the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def wait_for_port(port: int) -> None:
    """Wait until something answers HTTP there."""
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


def drive(
    arm: Arm, envelope: Envelope, load: Load, seconds: float, core: int | None, *, keep: bool = True
) -> None:
    """Put load on one server and note what came of it."""
    before = cpu_seconds(arm.pid)
    result = load(arm, envelope, seconds, core)
    used = cpu_seconds(arm.pid) - before
    arm.acknowledged += result["ok"]
    if result["other"] or result["failed"]:
        print(f"  {arm.name}: {result['other']} answers other than 2xx, {result['failed']} failed")
    if keep:
        arm.rates.append(result["ok"] / result["seconds"])
        arm.p99.append(result["p99_ms"])
        arm.cpu.append(1e6 * used / max(result["ok"], 1))


def with_wrk(arm: Arm, envelope: Envelope, seconds: float, core: int | None) -> dict[str, Any]:
    """Load by wrk, one thread."""
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in envelope.headers.items())
    script = envelope.file.with_suffix(".lua")
    script.write_text(_WRK % (envelope.file, headers))
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{max(round(seconds), 1)}s", "-s", str(script)]
    output = run_on(core, [*command, f"http://127.0.0.1:{arm.port}{arm.path}"])
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    if found is None:
        raise SystemExit(f"wrk said:\n{output}")
    requests, other, failed, microseconds, _, p99 = map(int, found.groups())
    ok = requests - other
    return {"ok": ok, "other": other, "failed": failed, "seconds": microseconds / 1e6, "p99_ms": p99 / 1000}


def with_our_own(arm: Arm, envelope: Envelope, seconds: float, core: int | None) -> dict[str, Any]:
    """Load by generate.py."""
    command = [sys.executable, str(HERE / "generate.py"), str(arm.port), arm.path, str(envelope.file)]
    command += [json.dumps(envelope.headers), str(_CONNECTIONS), str(seconds)]
    result: dict[str, Any] = json.loads(run_on(core, command))
    if result["busy"] > 0.9:
        print(f"  {arm.name}: the load generator was the limit ({result['busy']:.0%} busy); install wrk")
    return result


def run_on(core: int | None, command: list[str]) -> str:
    """Run a command on one core and return what it printed."""
    prefix = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    return subprocess.run([*prefix, *command], check=True, capture_output=True, text=True).stdout


def resident(pid: int) -> float:
    """Resident set of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_stored(folder: Path) -> int:
    """Requests in the store that were answered with 200; read from the truth, not from the server."""
    with contextlib.closing(open_truth(folder)) as truth:
        return int(truth.execute("SELECT count(*) FROM request WHERE status = 200").fetchone()[0])


def report(arms: list[Arm], stored: int, envelope: Envelope) -> int:
    """Print the figures; 0 when the targets are met."""
    rates = {arm.name: statistics.median(arm.rates) for arm in arms}
    print(
        f"{'server':10} {'requests/s':>11} {'(rounds)':>24} {'CPU µs':>7} {'p99 ms':>8} {'RSS MB before -> after each round':>36}"
    )
    for arm in arms:
        rounds = " ".join(f"{rate:.0f}" for rate in arm.rates)
        memory = " ".join(f"{value:.0f}" for value in arm.memory)
        print(
            f"{arm.name:10} {rates[arm.name]:11.0f} {rounds:>24} {statistics.median(arm.cpu):7.0f} {statistics.median(arm.p99):8.1f} {memory:>36}"
        )
    ours = arms[0]
    share = rates["ours"] / rates["constant"]
    good = stored >= ours.acknowledged and share >= 0.30
    print(f"ours / constant: {share:.0%} (target 30 %)")
    if "kent" in rates:
        ratio = rates["ours"] / rates["kent"]
        good = good and ratio >= 20
        print(f"ours / kent: {ratio:.1f} (target 20)")
    cpu = {arm.name: statistics.median(arm.cpu) for arm in arms}
    others = ", ".join(f"{cpu[name] / cpu['ours']:.2f} of {name}" for name in rates if name != "ours")
    print(f"throughput by processor time alone, which a busy machine distorts less: {others}")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(
        f"acknowledged {ours.acknowledged}, stored {stored}: {'all there' if stored >= ours.acknowledged else 'LOST'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
