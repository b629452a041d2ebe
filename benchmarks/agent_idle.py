"""What the agent costs a target in which nothing is armed: at start-up, in plain code, and in each request.

    python benchmarks/agent_idle.py [--rounds 9] [--requests 1500]

The two arms, with and without the agent, are the same program in processes of their own. They take turns within one run,
the first of a round being the second of the next, so that a noisy machine disturbs both alike. Figures are
processor time, not time on the clock; a ratio is the median over rounds of with / without.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.injection.environment import agent_environment
from pytest_sentry_harness.model.arming import Arming
from pytest_sentry_harness.plan.arming_file import write_arming

LOOP = """
import time
def price(quantity, *, currency="EUR"):
    return quantity * 2
def order(lines):
    return sum(price(line, currency="USD") for line in range(lines))
begin = time.process_time()
for _ in range(40_000):
    order(10)
print(time.process_time() - begin)
"""
SERVICE = """
import asyncio, sys, time
import sentry_sdk, uvicorn
from fastapi import FastAPI

sentry_sdk.init("http://key@127.0.0.1:9/1", auto_session_tracking=False)
app = FastAPI()

@app.get("/quote/{symbol}")
async def quote(symbol: str):
    return {"symbol": symbol, "price": 12.5}

@app.get("/cpu")
async def cpu():
    return time.process_time()

async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving

asyncio.run(main())
"""
WARM_UP = 200
Environment = Mapping[str, str]


def start_up(program: str) -> Callable[[Environment], float]:
    """Milliseconds of processor time from start to end of ``python -c program``."""

    def measure(env: Environment) -> float:
        process = subprocess.Popen([sys.executable, "-c", program], env=dict(env))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{program!r} ended with {process.returncode}")
        return 1000 * (used.ru_utime + used.ru_stime)

    return measure


def loop(env: Environment) -> float:
    """Milliseconds for 440 000 calls of plain functions, once the program runs."""
    done = subprocess.run(
        [sys.executable, "-c", LOOP], env=dict(env), capture_output=True, text=True, check=True
    )
    return 1000 * float(done.stdout)


def service(requests: int) -> Callable[[Environment], float]:
    """Microseconds of the service's processor time for one request."""

    def measure(env: Environment) -> float:
        command = [sys.executable, "-c", SERVICE]
        with subprocess.Popen(command, env=dict(env), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                connection = http.client.HTTPConnection("127.0.0.1", int(process.stdout.readline()))
                for _ in range(WARM_UP):
                    _ask(connection, "/quote/ACME")
                before = float(_ask(connection, "/cpu"))
                for _ in range(requests):
                    _ask(connection, "/quote/ACME")
                used = float(_ask(connection, "/cpu")) - before
                connection.close()
            finally:
                process.terminate()
        return 1_000_000 * used / requests

    return measure


def _ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def under_agent(folder: Path, base: Environment) -> dict[str, str]:
    """The environment of a target under an agent that is told of no fault."""
    arming = Arming(
        run_id="benchmark",
        key="k",
        seed=0,
        faults=(),
        journal_dir=str(folder / "ledger"),
        lease=str(folder / "lease"),
        lease_seconds=3600.0,
    )
    lease.renew(arming.lease)
    write_arming(arming, folder / "arming.json")
    return agent_environment(folder / "arming.json", base)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=1500)
    arguments = parser.parse_args()
    figures = {
        "python -c pass, ms": start_up("pass"),
        "python -c 'import sentry_sdk', ms": start_up("import sentry_sdk"),
        "440 000 plain calls, ms": loop,
        "one FastAPI request, µs": service(arguments.requests),
    }
    plain = {key: value for key, value in os.environ.items() if not key.startswith("SENTRY_")}
    plain["PYTHONPATH"] = os.pathsep.join(entry for entry in (os.environ.get("PYTHONPATH"),) if entry)
    with tempfile.TemporaryDirectory() as folder:
        arms = [("without", plain), ("with", under_agent(Path(folder), plain))]
        print(f"Python {sys.version.split()[0]}, {arguments.rounds} rounds, processor time, medians")
        for name, measure in figures.items():
            measured: dict[str, list[float]] = {"without": [], "with": []}
            for number in range(arguments.rounds):
                for arm, env in arms if number % 2 else reversed(arms):
                    measured[arm].append(measure(env))
            _print(name, measured)


def _print(name: str, measured: Mapping[str, list[float]]) -> None:
    without, with_agent = (statistics.median(measured[arm]) for arm in ("without", "with"))
    pairs = zip(measured["with"], measured["without"], strict=True)
    ratios = sorted(one / other for one, other in pairs)
    print(
        f"  {name:36} without {without:9.1f}  with {with_agent:9.1f}  added {with_agent - without:+8.1f}"
        f"  ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


if __name__ == "__main__":
    main()
