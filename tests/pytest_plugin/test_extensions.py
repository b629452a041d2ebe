"""Fault kinds and criteria of a project's own, by the hooks ``pytest_sentry_harness_*``."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_sentry_harness.errors import InjectionError
from pytest_sentry_harness.injection.effects.own import effects_with
from pytest_sentry_harness.load.marker import Marker
from pytest_sentry_harness.model.arming import ArmedFault, ArmedKind, Arming
from pytest_sentry_harness.plan.arming_file import read_arming, write_arming
from pytest_sentry_harness.plan.terms import parse_chain

from .project import APP, run

EXAMPLE = Path(__file__).parent / "example_package"
QUIET = APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The example package, as if installed; gives the plugins to load."""
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLE))
    return ("shop_faults.plugin",)


@pytest.mark.slow
def test_own_kinds_work_in_tests(pytester: pytest.Pytester, example: tuple[str, ...]) -> None:
    """In terms of markers, parameters and inject; what raises is expected to be captured, and its loss explained."""
    pytester.makepyfile(
        app=QUIET,
        test_app="""
        import time
        import pytest, sentry_sdk
        import app
        from shop_faults.kinds import DeadlockError

        def order():
            try:
                return app.charge(1)
            except DeadlockError:
                sentry_sdk.capture_exception()

        @pytest.mark.fault("app:charge", "deadlock(orders)")
        def test_captured(sentry_harness):
            order()
            (event,) = sentry_harness.assert_captured("charge", times=1)
            assert event["exception"]["values"][-1]["value"] == "deadlock detected on orders"

        @pytest.mark.parametrize("sentry_harness", [("app:charge", "1*crunch(20ms)->deadlock(orders)")], indirect=True)
        def test_chain(sentry_harness):
            before = time.process_time()
            assert app.charge(1) == 1
            assert time.process_time() - before >= 0.02
            order()
            assert [each.state for each in sentry_harness.outcomes()][1] == "captured"
            assert "done; it raises nothing, so no event is expected" in sentry_harness.explain()

        def test_lost(sentry_harness):
            fault = sentry_harness.inject("app:charge", "deadlock(orders)")
            with pytest.raises(DeadlockError):
                app.charge(1)
            sentry_harness.assert_captured(fault)

        @pytest.mark.fault("app:charge", "deadlock(1st)")
        def test_wrong_argument(): ...

        @pytest.mark.fault("app:charge", "deadlok(orders)")
        def test_wrong_kind(): ...
        """,
    )
    result = run(pytester, plugins=example)
    result.assert_outcomes(passed=2, failed=1, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*deadlock(1st) names no table*",
            "*hint: write deadlock(orders)*",
            "*unknown fault kind 'deadlok'*",
            "*hint: did you mean 'deadlock'?*",
            "*AssertionError: fault 'charge' was not captured: lost: not_seen_by_sdk*",
        ]
    )


JOB = """
import sentry_sdk
import steps

sentry_sdk.init(traces_sample_rate=1.0, auto_enabling_integrations=False)
for number in range(20):
    with sentry_sdk.start_transaction(name="step"):
        try:
            steps.step(number)
        except Exception:
            sentry_sdk.capture_exception()
"""
SCENARIO = """
[scenario]
name = "orders"
seed = 3
settle = "20s"

[target]
command = "{{python}} job.py"
env = {{ SENTRY_DSN = "{{dsn}}", PYTHONPATH = "" }}
wait = true

[[fault]]
name = "db-deadlock"
at = "steps:step"
do = "1*crunch(1ms)->deadlock(orders)"
select = "call"

[gates]
"capture.rate" = ">= 100%"
"capture.fired" = ">= 19"
"capture.not_reached" = "= 0"
{gates}
"""


def write_scenario(folder: Path, name: str, gates: str = "", *, do: str = "") -> None:
    (folder / "job.py").write_text(JOB, encoding="utf-8")
    (folder / "steps.py").write_text("def step(number):\n    return number\n", encoding="utf-8")
    text = SCENARIO.format(gates=gates)
    if do:
        text = text.replace("1*crunch(1ms)->deadlock(orders)", do)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_own_kinds_and_criteria_work_in_scenarios(
    pytester: pytest.Pytester, example: tuple[str, ...]
) -> None:
    """The agent in the target learns the kinds; the criterion is a test item where a gate names it, in JUnit as well."""
    write_scenario(pytester.path, "met", '"tracing.share" = ">= 50%"', do="deadlock(orders)")
    write_scenario(pytester.path, "unmet", '"tracing.transactions" = ">= 500"', do="deadlock(orders)")
    write_scenario(pytester.path, "unasked", do="deadlock(orders)")
    result = run(pytester, "--junitxml=report.xml", "-v", plugins=example)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "met.toml::capture PASSED*",
            "met.toml::tracing PASSED*",
            "unasked.toml::capture PASSED*",
            "unmet.toml::capture PASSED*",
            "unmet.toml::tracing FAILED*",
            "FAIL: orders: every order is traced",
            "*tracing.transactions: 20 does not meet >= 500",
            "reproduce: pytest unmet.toml --sentry-harness-seed=3",
        ]
    )
    cases = {
        (case.get("classname"), case.get("name")): {
            e.get("name"): e.get("value") for e in case.iter("property")
        }
        for case in ET.parse(pytester.path / "report.xml").iter("testcase")
    }
    found = cases["met.toml", "tracing"]
    assert found["sentry_harness.tracing.share"] == "100 % (>= 50%): pass"
    assert found["sentry_harness.tracing.transactions"] == "20 (>= 1): pass"
    assert found["sentry_harness.captured"] == "20"
    assert len(list(pytester.path.glob(".sentry-harness/runs/*/run.json"))) == 3
    document = json.loads(
        next(pytester.path.glob(".sentry-harness/runs/*/run.json")).read_text(encoding="utf-8")
    )
    assert document["points"][0]["fired"] == 20


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["load", "each"])
def test_workers_share_the_run_of_a_scenario(
    pytester: pytest.Pytester, example: tuple[str, ...], mode: str
) -> None:
    """Two criteria on two workers are judged by one run; with --dist=each every worker has its own."""
    pytest.importorskip("xdist")
    write_scenario(pytester.path, "met", '"tracing.share" = ">= 50%"')
    write_scenario(pytester.path, "broken", '"tracing.share" = ">= 50%"')
    path = pytester.path / "broken.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("{python} job.py", "./no-such-program"), encoding="utf-8"
    )
    result = run(pytester, "-n", "2", "--dist", mode, "--tx=2*popen", plugins=(*example, "xdist"))
    times = 2 if mode == "each" else 1
    result.assert_outcomes(passed=2 * times, errors=2 * times)
    assert result.stdout.str().count("no-such-program") >= 2 * times
    assert len(list(pytester.path.glob(".sentry-harness/runs/*/run.json"))) == times


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_a_worker_that_dies_in_mid_run_leaves_nothing_behind(
    pytester: pytest.Pytester, example: tuple[str, ...]
) -> None:
    """Server and target end with it; the other criterion of the scenario is judged by a run of its own."""
    pytest.importorskip("xdist")
    write_scenario(pytester.path, "met", '"tracing.share" = ">= 50%"')
    first = "import pathlib, time\nif not pathlib.Path('crashed').exists():\n    pathlib.Path('started').touch(); time.sleep(300)\n"
    (pytester.path / "job.py").write_text(first + JOB, encoding="utf-8")
    pytester.makeconftest(
        """
        import os, pathlib, time
        import pytest_sentry_harness.harness.run as run

        drive = run.ActiveRun.drive

        def crash_once(active):
            if not pathlib.Path("crashed").exists():
                while not pathlib.Path("started").exists():
                    time.sleep(0.01)
                pathlib.Path("crashed").touch()
                os._exit(9)
            drive(active)

        run.ActiveRun.drive = crash_once
        """
    )
    result = run(pytester, "-n", "2", "--dist", "load", plugins=(*example, "xdist"))
    result.assert_outcomes(passed=1, failed=1)
    assert "crashed while running 'met.toml::" in result.stdout.str()
    assert len(list(pytester.path.glob(".sentry-harness/runs/*/run.json"))) == 1
    deadline = time.monotonic() + 60
    while left := processes_of(pytester.path):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that have to do with ``folder``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            works_in = os.readlink(entry / "cwd")
        except OSError:
            continue
        if str(os.getpid()) != entry.name and (str(folder) in command or works_in == str(folder)):
            found.append(command)
    return found


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_what_breaks_in_own_code_is_an_error(pytester: pytest.Pytester, example: tuple[str, ...]) -> None:
    """A kind that the target cannot import, and a criterion that raises or measures too little, never pass."""
    write_scenario(pytester.path, "one", '"odd.value" = ">= 0"', do="local")
    write_scenario(pytester.path, "two", '"poor.value" = ">= 0"', do="deadlock(orders)")
    pytester.makepyfile(
        kinds="""
        import os
        if "job.py" in " ".join(__import__("sys").argv) or os.environ.get("SENTRY_HARNESS_ARMING"):
            import nothing_of_the_kind
        from pytest_sentry_harness.injection.effects.noop import Noop

        class Local(Noop):
            KIND = "local"
        """
    )
    pytester.makeconftest(
        """
        from pytest_sentry_harness.model.extensions import Criterion
        from pytest_sentry_harness.model.metrics import Metric

        def pytest_sentry_harness_fault_kinds():
            import kinds
            return [kinds.Local]

        def raising(evidence):
            raise LookupError("no such thing")

        def measuring_nothing(evidence):
            return {}

        def criterion(name, measure):
            metric = Metric(name=f"{name}.value", criterion=name, unit="count", default_gate="= 0")
            return Criterion(name=name, promise="odd", metrics=(metric,), measure=measure)

        def pytest_sentry_harness_criteria(config):
            return [criterion("odd", raising), criterion("poor", measuring_nothing)]
        """
    )
    result = run(pytester, plugins=example)
    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*conftest.raising raised LookupError: no such thing",
            "*conftest.measuring_nothing did not measure poor.value",
            "*the agent cannot start: InjectionError: fault kind 'local' (kinds:Local): it cannot be imported: "
            "ModuleNotFoundError: No module named 'nothing_of_the_kind'*",
        ]
    )


def test_the_load_generator_decides_about_own_kinds(tmp_path: Path) -> None:
    """It is told their names with the arming, and needs no more: only the target does what they say."""
    arming = Arming(
        run_id="run",
        key="k" * 64,
        seed=1,
        faults=(ArmedFault(name="db", at="a:b", do="3*deadlock(orders)->crunch(1ms)", on=("POST /order",)),),
        journal_dir=str(tmp_path),
        lease=str(tmp_path / "lease"),
        kinds=(
            ArmedKind(name="deadlock", path="shop_faults.kinds:Deadlock", folder=str(EXAMPLE)),
            ArmedKind(name="crunch", path="shop_faults.kinds:Crunch", folder=str(EXAMPLE)),
        ),
    )
    write_arming(arming, tmp_path / "arming.json")
    read = read_arming(tmp_path / "arming.json")
    assert read == arming
    assert len(Marker(read)._injected) == 1
    effects = effects_with(read.kinds)
    (term, _) = parse_chain("3*deadlock(orders)->crunch(1ms)", effects.own)
    assert str(effects.of(term).action().exception) == "deadlock detected on orders"
    assert str(EXAMPLE) not in sys.path
    for wrong, told in (
        (
            ArmedKind(name="dead", path="shop_faults.kinds:Deadlock", folder=str(EXAMPLE)),
            "no effect with KIND = 'dead'",
        ),
        (
            ArmedKind(name="dead", path="shop_faults.kinds:Dead", folder=str(EXAMPLE)),
            "has no attribute 'Dead'",
        ),
    ):
        with pytest.raises(InjectionError, match=told):
            effects_with([wrong])


KIND = "class Kind:\n    KIND = {kind!r}\n    def __init__(self, term): ...\n    def action(self): ...\n"
HOOK = "import kinds\ndef pytest_sentry_harness_fault_kinds():\n    return [{given}]\n"
CRITERION = """
from pytest_sentry_harness.model.extensions import Criterion
from pytest_sentry_harness.model.metrics import Metric
def metric(name="own.value", criterion="own", gate=None):
    return Metric(name=name, criterion=criterion, unit="count", default_gate=gate)
def pytest_sentry_harness_criteria():
    return [{given}]
"""


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (
            "raise",
            "kinds.Kind",
            "kinds:Kind: the fault kind 'raise' is already a kind of pytest-sentry-harness",
        ),
        ("own", "kinds.Kind, kinds.Kind", "kinds:Kind: the fault kind 'own' is already kinds:Kind"),
        ("Own-1", "kinds.Kind", "kinds:Kind: KIND = 'Own-1' cannot name a fault kind"),
        ("own", "int", "builtins:int is no fault kind"),
        (
            "own",
            "(lambda: type('K', (kinds.Kind,), {'__qualname__': 'f.<locals>.K'}))()",
            "cannot be imported in a target",
        ),
    ],
)
@pytest.mark.slow
def test_kinds_that_cannot_be_are_refused(
    pytester: pytest.Pytester, kind: str, given: str, told: str
) -> None:
    """At the set-up of the first test that could use them, with class, hook and remedy."""
    pytester.makepyfile(kinds=KIND.format(kind=kind), test_app="def test_it(sentry_harness): ...")
    pytester.makeconftest(HOOK.format(given=given))
    result = run(pytester)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert f"pytest_sentry_harness_fault_kinds: {told}" in text or told in text
    assert "hint: " in text
    assert "Traceback" not in text
    assert "extend.py" not in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("7", "7 is no criterion"),
        (
            "Criterion(name='Own', promise='', metrics=(metric(),), measure=dict)",
            "its name must be small letters",
        ),
        (
            "Criterion(name='capture', promise='', metrics=(metric(),), measure=dict)",
            "'capture' is there already",
        ),
        ("Criterion(name='own', promise='', metrics=(), measure=dict)", "criterion 'own' has no metrics"),
        (
            "Criterion(name='own', promise='', metrics=(metric('capture.own'),), measure=dict)",
            "the metric 'capture.own' is of criterion 'own'",
        ),
        (
            "Criterion(name='own', promise='', metrics=(metric(), metric()), measure=dict)",
            "there are two metrics 'own.value'",
        ),
        (
            "Criterion(name='own', promise='', metrics=(metric(gate='many'),), measure=dict)",
            "own.value = 'many' is not a gate",
        ),
    ],
)
@pytest.mark.slow
def test_criteria_that_cannot_be_are_refused(pytester: pytest.Pytester, given: str, told: str) -> None:
    """When the first scenario file is collected, with criterion and hook."""
    write_scenario(pytester.path, "orders", do="raise")
    pytester.makeconftest(CRITERION.format(given=given))
    result = run(pytester)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert told in text
    assert "pytest_sentry_harness_criteria: " in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_a_kind_that_breaks_over_its_arguments_is_told(pytester: pytest.Pytester) -> None:
    """An error of its constructor is no crash of the test run, neither in a test nor in a scenario."""
    broken = KIND.format(kind="own").replace(
        "(self, term): ...", "(self, term): raise LookupError('no such table')"
    )
    pytester.makepyfile(
        kinds=broken,
        app=QUIET,
        test_app="""
        import pytest
        @pytest.mark.fault("app:charge", "own(x)")
        def test_it(): ...
        """,
    )
    pytester.makeconftest(HOOK.format(given="kinds.Kind"))
    write_scenario(pytester.path, "orders", do="own(x)")
    result = run(pytester, "--continue-on-collection-errors")
    result.assert_outcomes(errors=2)
    text = result.stdout.str()
    assert text.count("own(x) cannot be made: LookupError: no such table") >= 2
    assert "Traceback" not in text


@pytest.mark.slow
def test_unknown_names_stay_errors(pytester: pytest.Pytester, example: tuple[str, ...]) -> None:
    """Before anything starts, with the nearest name of all that are known; a misspelt hook is refused by pytest."""
    write_scenario(pytester.path, "kind", do="deadlocks(orders)")
    write_scenario(pytester.path, "metric", '"tracing.shares" = ">= 1%"', do="raise")
    result = run(pytester, plugins=example)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*unknown fault kind 'deadlocks'*",
            "*did you mean 'deadlock'*",
            "*unknown metric 'tracing.shares'*",
            "*did you mean 'tracing.share'*",
        ]
    )
    assert not (pytester.path / ".sentry-harness").exists()
    pytester.makeconftest("def pytest_sentry_harness_fault_kind(): ...")
    result = run(pytester)
    assert result.ret != 0
    assert "unknown hook 'pytest_sentry_harness_fault_kind'" in result.stdout.str() + result.stderr.str()
