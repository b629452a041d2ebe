"""Is what `overhead` measures true? Runs with both arms alike, and with costs that are planted and known.

    python benchmarks/overhead_calibration.py --alike 50 --planted 5 --out calibration.jsonl

The service is ``scenarios/overhead_apps/shop.py``, with its SDK on in both arms, so that nothing but what is planted
differs: CPU burnt by each request (measured while it is burnt) or a sleep. Each run is a whole one, with the
launches, the stopping and the gates of ``sentry-harness gate``. Its result is a line of ``--out``; started again, the runs
that are there are not made again. ``--show`` prints the tables without running anything.

Truth: the burnt time divided by the CPU time that a request takes without it, as measured in that run's own arm without. A sleep
is longer than what was asked for (the kernel's timer slack, and waking up), and takes a little CPU: both are measured, too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, median
from typing import Any

from pytest_sentry_harness.harness.overhead.session import run_overhead
from pytest_sentry_harness.plan.scenario import load_scenario
from pytest_sentry_harness.report.document import RunDocument

COSTS = (1.0, 3.0, 5.0, 10.0, 20.0)
"""Percent of CPU."""
SLEEP = 15.0
"""Percent of the time to an answer, slept."""
SERVICE = Path(__file__).resolve().parent.parent / "scenarios"
"""Where the service is found."""
SCENARIO = """
[scenario]
name = "calibration of overhead"
seed = {seed}

[target]
command = "{{python}} -m uvicorn overhead_apps.shop:app --port {{port}} --no-access-log --log-level warning"
ready = "/health"
cwd = "{folder}"
env = {{ SENTRY_DSN = "{{dsn}}", SHOP_ROUNDS = "{rounds}", SHOP_BURN = "{burn}", SHOP_SLEEP = "{sleep}" }}

[overhead]
without = {{ env = {{ SHOP_BURN = "0", SHOP_SLEEP = "0", SHOP_ARM = "without" }} }}
warm_up = {warm_up}
measure = "{measure}"
pairs = {pairs}

[[overhead.request]]
name = "order"
send = "GET /order"
"""


def main() -> None:
    """Make the runs that are missing, then show all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alike", type=int, default=50, help="runs with both arms alike")
    parser.add_argument(
        "--planted", type=int, default=5, help="runs for each planted cost, and for the sleep"
    )
    parser.add_argument("--out", type=Path, default=Path("overhead_calibration.jsonl"))
    parser.add_argument("--rounds", type=int, default=250, help="work of a request; 250 is about 2.5 ms")
    parser.add_argument("--measure", default="1s")
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=14)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    if not arguments.show:
        make_runs(arguments)
    show(read(arguments.out))


def make_runs(arguments: argparse.Namespace) -> None:
    """Make every run that ``--out`` does not hold yet."""
    wanted = [("alike", 0.0, number) for number in range(arguments.alike)]
    # One of each in turn, so that a run that is cut short has some of all.
    for number in range(arguments.planted):
        wanted += [*(("burn", cost, number) for cost in COSTS), ("sleep", SLEEP, number)]
    done = {(run["what"], run["planted"], run["number"]) for run in read(arguments.out)}
    missing = [each for each in wanted if each not in done]
    if not missing:
        return
    base = baseline(arguments)
    print(
        f"a request takes {base['cpu'] * 1e3:.3f} ms of CPU and {base['p50'] * 1e3:.3f} ms to its answer",
        flush=True,
    )
    for position, (what, planted, number) in enumerate(missing, start=1):
        began = time.monotonic()
        burn = planted / 100 * base["cpu"] * 1e6 if what == "burn" else 0.0
        sleep = planted / 100 * base["p50"] * 1e3 if what == "sleep" else 0.0
        seed = 1000 * number + round(planted * 10) + {"alike": 0, "burn": 1, "sleep": 2}[what]
        document = play(arguments, seed=seed, burn=burn, sleep=sleep)
        line = summary(document, what, planted, number, burn, sleep) | {"seconds": time.monotonic() - began}
        with arguments.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        cpu = line["cpu"]
        print(
            f"{position}/{len(missing)} {what} {planted:g} %: {line['verdict']} after {line['launches']} launches, "
            f"{line['seconds']:.0f} s; CPU {cpu['value']:+.2%} [{bound(cpu['low'])}, {bound(cpu['high'])}]",
            flush=True,
        )


def baseline(arguments: argparse.Namespace) -> dict[str, float]:
    """What a request costs: mean of three launches."""
    found = play(arguments, seed=1, burn=0, sleep=0, pairs=3).overhead
    assert found is not None
    return {"cpu": found.baseline[0].cpu, "p50": found.baseline[0].p50}


def play(
    arguments: argparse.Namespace, *, seed: int, burn: float, sleep: float, pairs: int | None = None
) -> RunDocument:
    """One run."""
    text = SCENARIO.format(
        folder=SERVICE,
        seed=seed,
        rounds=arguments.rounds,
        burn=f"{burn:.1f}",
        sleep=f"{sleep:.4f}",
        warm_up=arguments.warm_up,
        measure=arguments.measure,
        pairs=pairs or arguments.pairs,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.toml"
        path.write_text(text, encoding="utf-8")
        return run_overhead(load_scenario(path), runs=Path(folder) / "runs", verify=False)


def summary(
    document: RunDocument, what: str, planted: float, number: int, burn: float, sleep: float
) -> dict[str, Any]:
    """What is kept of a run."""
    info = document.overhead
    assert info is not None
    base = info.baseline[0]
    costs = {cost.metric: cost for cost in info.costs}
    kept = {
        name: {"value": costs[metric].value, "low": costs[metric].low, "high": costs[metric].high}
        for name, metric in (("cpu", "overhead.cpu"), ("p50", "overhead.latency.p50"))
    }
    gates = {gate.metric: str(gate.verdict) for criterion in document.criteria for gate in criterion.gates}
    waited, worked = slept(sleep / 1e3) if sleep else (0.0, 0.0)
    return {
        "what": what,
        "planted": planted,
        "number": number,
        "true_cpu": (burn / 1e6 + worked) / base.cpu,
        "true_p50": (burn / 1e6 + waited) / base.p50,
        "verdict": gates.get("overhead.cpu"),
        "verdict_p50": gates.get("overhead.latency.p50"),
        "run_verdict": str(document.verdict),
        "launches": info.launches,
        "notes": [note for criterion in document.criteria for note in criterion.notes],
        **kept,
    }


def slept(seconds: float) -> tuple[float, float]:
    """How long a sleep of ``seconds`` takes, and how much CPU: medians of 200."""
    waited, worked = [], []
    for _ in range(200):
        began, used = time.perf_counter(), time.thread_time()
        time.sleep(seconds)
        waited.append(time.perf_counter() - began)
        worked.append(time.thread_time() - used)
    return median(waited), median(worked)


def read(path: Path) -> list[dict[str, Any]]:
    """The runs so far."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def bound(value: float | None) -> str:
    """A bound in percent."""
    return "-" if value is None else f"{value:+.2%}"


def show(runs: Iterable[dict[str, Any]]) -> None:
    """The tables."""
    groups: dict[tuple[str, float], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        groups[run["what"], run["planted"]].append(run)
    for metric in ("cpu", "p50"):
        print(
            f"\n| {metric}: planted | runs | true | mean estimate | off at most | 95 % interval covers | verdict on < 5 % |"
        )
        print("|---|---:|---:|---:|---:|---:|---|")
        for (what, planted), group in sorted(groups.items()):
            truths = [run[f"true_{metric}"] for run in group]
            values = [run[metric]["value"] for run in group]
            off = max(abs(value - truth) for value, truth in zip(values, truths, strict=True))
            covered = sum(covers(run[metric], run[f"true_{metric}"]) for run in group)
            verdicts = Counter(run["verdict" if metric == "cpu" else "verdict_p50"] for run in group)
            said = ", ".join(f"{count} {name}" for name, count in verdicts.most_common())
            print(
                f"| {what} {planted:g} % | {len(group)} | {fmean(truths):+.2%} | {fmean(values):+.2%} | {off:.2%} "
                f"| {covered} of {len(group)} | {said} |"
            )
    everything = [run for group in groups.values() for run in group]
    if everything:
        alike = [run["seconds"] for run in everything if run["what"] == "alike"] or [0.0]
        print(
            f"\nmedian time to a verdict: {median(run['seconds'] for run in everything):.0f} s over all runs, "
            f"{median(alike):.0f} s with both arms alike; median launches {median(run['launches'] for run in everything):g}"
        )


def covers(found: dict[str, float | None], truth: float) -> bool:
    """Whether the interval holds the truth; one without bounds holds everything."""
    low, high = found["low"], found["high"]
    return low is None or high is None or low <= truth <= high


if __name__ == "__main__":
    main()
