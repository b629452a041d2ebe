"""What the harness costs Locust: requests a second with ``attach`` as a share of those without.

    python benchmarks/locust_attach.py [--rounds 5] [--seconds 5] [--users 10]

Two targets. *reference*: the reference service, a real application that works for its answers; the share is what a load
test loses. *constant*: a target that does nothing, so that Locust itself is the limit and everything added to it shows;
nobody tests such a target, and the figure says how much processor time a request costs more.

The two arms are Locust processes against the same target and take turns within one run, the first of a round being the
second of the next, so that a noisy machine disturbs both alike. The share is the median over the rounds. The plan has one fault
that one request in a hundred is marked for, and no agent is in the target to meet it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.model.arming import ArmedFault, Arming
from pytest_sentry_harness.plan.arming_file import ENVIRONMENT_VARIABLE, write_arming
from pytest_sentry_harness.targets.command import free_port

HERE = Path(__file__).parent
LOCUSTFILE = """
import os
import time
from locust import FastHttpUser, constant, events, task

if os.environ.get("SENTRY_HARNESS_ARMING"):
    from pytest_sentry_harness.locust_ext import attach

    @events.init.add_listener
    def connect(environment, **_):
        attach(environment)


@events.test_start.add_listener
def begin(environment, **_):
    environment.cpu = time.process_time()


@events.test_stop.add_listener
def end(environment, **_):
    with open(os.environ["CPU_FILE"], "w") as file:
        file.write(str(time.process_time() - environment.cpu))


class Customer(FastHttpUser):
    wait_time = constant(0)

    @task
    def look(self):
        self.client.get("/instruments")
"""


@contextmanager
def constant() -> Iterator[str]:
    """A target that does nothing."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "constant_app.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@contextmanager
def reference() -> Iterator[str]:
    """The reference service, without a DSN."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "pytest_sentry_harness.reference.app:app", "--no-access-log"]
    env = {**os.environ, "REFERENCE_DATABASE": ":memory:", "SENTRY_DSN": ""}
    with tempfile.TemporaryDirectory() as folder:
        env["REFERENCE_DATABASE"] = str(Path(folder) / "trading.sqlite")
        with subprocess.Popen([*command, "--port", str(port), "--log-level", "warning"], env=env) as process:
            url = f"http://127.0.0.1:{port}"
            for _ in range(200):
                try:
                    with urlopen(f"{url}/health"):
                        break
                except OSError:
                    time.sleep(0.1)
            yield url
            process.terminate()


TARGETS = {"reference": reference, "constant": constant}


def arm(folder: Path) -> Path:
    """An arming file with one fault."""
    arming = Arming(
        run_id="benchmark",
        key="k" * 64,
        seed=1,
        faults=(ArmedFault(name="late", at="app:work", do="1%raise(TimeoutError)"),),
        journal_dir=str(folder / "ledger"),
        lease=str(folder / "lease"),
        lease_seconds=3600.0,
    )
    lease.renew(arming.lease)
    write_arming(arming, folder / "arming.json")
    return folder / "arming.json"


def locust(folder: Path, host: str, seconds: int, users: int, arming: Path | None) -> tuple[float, float]:
    """Requests a second, and microseconds of processor time for each of them."""
    file = folder / "locustfile.py"
    file.write_text(LOCUSTFILE, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name != ENVIRONMENT_VARIABLE}
    env["CPU_FILE"] = str(folder / "cpu")
    if arming is not None:
        env[ENVIRONMENT_VARIABLE] = str(arming)
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary"]
    command += ["--host", host, "-u", str(users), "-r", "1000", "-t", f"{seconds}s"]
    command += ["--json-file", str(folder / "statistics"), "--exit-code-on-error", "0"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"Locust ended with {done.returncode}:\n{done.stderr}")
    (entry,) = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    if entry["num_failures"]:
        raise SystemExit(f"{entry['num_failures']} requests failed")
    lasted = entry["last_request_timestamp"] - entry["start_time"]
    cpu = float((folder / "cpu").read_text(encoding="utf-8"))
    return entry["num_requests"] / lasted, 1e6 * cpu / entry["num_requests"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--target", choices=[*TARGETS, "both"], default="both")
    asked = parser.parse_args()
    for name in TARGETS if asked.target == "both" else (asked.target,):
        with tempfile.TemporaryDirectory() as place, TARGETS[name]() as host:
            folder = Path(place)
            arms = {"with": arm(folder), "without": None}
            found: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
            for number in range(asked.rounds):
                for which in sorted(arms, reverse=bool(number % 2)):
                    found[which].append(locust(folder, host, asked.seconds, asked.users, arms[which]))
        shares = [a[0] / b[0] for a, b in zip(found["with"], found["without"], strict=True)]
        rates = {which: statistics.median(rate for rate, _ in runs) for which, runs in found.items()}
        cpu = {which: statistics.median(each for _, each in runs) for which, runs in found.items()}
        print(f"{name}: {rates['with']:.0f} requests/s with, {rates['without']:.0f} without;", end=" ")
        print(f"share {statistics.median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})")
        print(
            f"  processor time of Locust for a request: {cpu['with']:.0f} us with, {cpu['without']:.0f} without"
        )


if __name__ == "__main__":
    main()
