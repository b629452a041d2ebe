"""``sentry-harness cost``: what it prints, writes and returns."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_sentry_harness.cli.cost import BEGIN, END, budget, chosen
from pytest_sentry_harness.errors import ScenarioError, UsageError
from pytest_sentry_harness.harness.overhead.cost import SHORTEST, plan_cost
from tests.harness.overhead_programs import WORK, write

OPTIONS = """
[[overhead.option]]
name = "burn"
env = { BURN = "3" }
advice = "burn less"

[[overhead.option]]
name = "never"
env = { NEVER = "1" }
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pytest_sentry_harness.cli", "cost", *map(str, arguments)]


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_a_breakdown_with_its_tables(tmp_path: Path) -> None:
    """How long it takes is said first; a planted cost is the dearest option; the file keeps what stands around the tables."""
    write(tmp_path, more=OPTIONS)
    page = tmp_path / "page.md"
    page.write_text(f"# Cost\n\n{BEGIN}\nobsolete\n{END}\n\nThe end.\n")
    ended = run(
        tmp_path, "cost.toml", "--minutes", 0.1, "--launches", 2, "--only", "burn", "--markdown", "page.md"
    )
    assert ended.returncode == 0, ended.stderr
    said = ended.stderr.splitlines()
    assert said[0].startswith("… 2 launches of 3 arms side by side, 1 kinds of request, ")
    assert said[0].endswith("Ctrl-C prints what is known so far")
    assert sum(line.startswith("… launch ") for line in said) == 2
    assert "µs of CPU without Sentry" in ended.stdout
    assert "burn: burn less" in ended.stdout
    text = page.read_text()
    assert text.startswith(f"# Cost\n\n{BEGIN}\n\n**work: ")
    assert text.endswith(f"\n{END}\n\nThe end.\n")
    assert "obsolete" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| burn")]
    value = float(row.split("|")[2].split("[")[0].strip().replace("\\~ ", "").replace(" ", ""))
    assert value > 1000  # 3 ms are burnt


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_one_json_document(tmp_path: Path) -> None:
    """With --json stdout is one document, and nothing else."""
    write(tmp_path, more=OPTIONS)
    ended = run(tmp_path, "cost.toml", "--minutes", 0.1, "--launches", 1, "--json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["launches"] == 1
    assert {each["option"] for each in document["kinds"][0]["options"]} == {"burn", "never"}


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_an_interrupt_prints_what_is_known(tmp_path: Path) -> None:
    """After the first launch Ctrl-C ends it with a table; before, there is nothing to print."""
    write(tmp_path, more=OPTIONS)
    for wait_for, code, shown in (
        ("… launch 2 of 30", 0, "interrupted: 1 of 30 launches were complete"),
        ("… launch 1 of 30", 11, ""),
    ):
        process = subprocess.Popen(
            command("cost.toml", "--minutes", 2, "--launches", 30),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(wait_for):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        assert shown in out
        if code:
            assert "interrupted before the first launch was complete" in err


@pytest.mark.slow
def test_what_cannot_be_broken_down(tmp_path: Path) -> None:
    """Usage errors come before anything starts, and nothing is overwritten."""
    write(tmp_path)
    ended = run(tmp_path, "cost.toml")
    assert ended.returncode == 2
    assert "there is nothing to break down: the scenario has no [[overhead.option]]" in ended.stderr
    write(tmp_path, more=OPTIONS)
    (tmp_path / "notes.md").write_text("mine\n")
    ended = run(tmp_path, "cost.toml", "--markdown", "notes.md")
    assert ended.returncode == 2
    assert f"write the lines {BEGIN} and {END}" in ended.stderr
    assert (tmp_path / "notes.md").read_text() == "mine\n"
    ended = run(tmp_path, "cost.toml", "--markdown", "nowhere/notes.md")
    assert ended.returncode == 2
    assert "the folder does not exist" in ended.stderr


@pytest.mark.slow
def test_a_target_that_does_not_start_is_no_table(tmp_path: Path) -> None:
    """The arm is named; exit code 12."""
    write(tmp_path, more=OPTIONS)
    (tmp_path / "service.py").write_text("raise SystemExit('no')")
    ended = run(tmp_path, "cost.toml", "--minutes", 0.1, "--only", "burn")
    assert ended.returncode == 12
    assert "arm '" in ended.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("unmeasured")
def test_a_target_that_dies_later_leaves_what_is_known(tmp_path: Path) -> None:
    """Three launches were complete when the fourth could not be: their table, and why there are no more."""
    # Two arms of each launch have Sentry; the seventh such process dies of its first request.
    write(tmp_path, env=f'STARTS = "{tmp_path / "starts"}", DIES_AT = "7"', more=OPTIONS)
    ended = run(tmp_path, "cost.toml", "--minutes", 0.1, "--launches", 4, "--only", "burn")
    assert ended.returncode == 0, ended.stderr
    said = " ".join(ended.stdout.split())
    assert "3 of 4 launches were complete, then arm '" in said
    assert "the target ended with exit code 7" in said


def test_options_are_chosen_by_name(tmp_path: Path) -> None:
    """A misspelling is told apart from an option that costs nothing."""
    scenario = write(tmp_path, more=OPTIONS)
    assert chosen(scenario, ()) is scenario
    overhead = chosen(scenario, ["burn"]).overhead
    assert overhead is not None
    assert [option.name for option in overhead.options] == ["burn"]
    with pytest.raises(UsageError, match="no option 'brun'") as caught:
        chosen(scenario, ["brun"])
    assert "burn" in str(caught.value)


def test_the_time_is_divided(tmp_path: Path) -> None:
    """Arms, kinds and launches share it; what cannot be done in it takes longer, and that is said."""
    scenario = write(tmp_path, more=OPTIONS, requests=WORK + WORK.replace('"work"', '"again"'))
    plan = plan_cost(scenario, budget=300, launches=5)
    assert (plan.arms, plan.kinds, plan.launches) == (4, 2, 5)
    assert plan.seconds == pytest.approx(300)
    assert "about 5 min" in budget(plan)
    short = plan_cost(scenario, budget=1, launches=5)
    assert short.measure == SHORTEST
    assert short.seconds > 20


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ('name = "with"\nenv = { A = "1" }', "'with' is the name of an arm that is always there"),
        ('name = "idle"', "option 'idle' toggles nothing"),
        (
            'name = "a"\nenv = { A = "1" }\n[[overhead.option]]\nname = "a"\nenv = { A = "2" }',
            "two are named 'a'",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, option: str, message: str) -> None:
    """With file and line."""
    with pytest.raises(ScenarioError, match=message) as caught:
        write(tmp_path, more=f"[[overhead.option]]\n{option}")
    assert "cost.toml:" in str(caught.value)


def test_at_least_one_kind_is_judged(tmp_path: Path) -> None:
    """A gate over nothing would say nothing."""
    with pytest.raises(ScenarioError, match="no kind of request is judged"):
        write(tmp_path, requests=WORK + "judged = false\n")
