"""What runs inside the examined process, called directly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest

from pytest_sentry_harness import clock
from pytest_sentry_harness.doctor.inside import questions, survey
from pytest_sentry_harness.doctor.inside.libraries import libraries
from pytest_sentry_harness.doctor.inside.notebook import Notebook, read_notes
from pytest_sentry_harness.doctor.inside.places import calling_place
from pytest_sentry_harness.doctor.inside.settings import Settings, read_settings, write_settings
from pytest_sentry_harness.doctor.observation import fill_known, mentions, observe
from pytest_sentry_harness.doctor.rules import RULES
from pytest_sentry_harness.doctor.subject import faults
from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.plan.terms import parse_chain

ROOT = Path(__file__).parent.parent.parent


def test_notes_survive_threads_and_torn_lines(tmp_path: Path) -> None:
    """The half line of a crash is left out."""
    notebook = Notebook(str(tmp_path))
    threads = [threading.Thread(target=notebook.write, args=("seen",), kwargs={"n": n}) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (own,) = tmp_path.glob(f"{os.getpid()}-*.notes")
    with own.open("ab") as file:
        file.write(b'{"note": "to')
    notes = list(read_notes(tmp_path))
    assert sorted(note["n"] for note in notes if note["note"] == "seen") == list(range(20))
    assert len(notes) == 20


def test_a_forked_child_writes_notes_of_its_own(tmp_path: Path) -> None:
    """Also when the parent had begun to write."""
    source = (
        "import os, sys\n"
        "from pytest_sentry_harness.doctor.inside.notebook import Notebook\n"
        "notebook = Notebook(sys.argv[1])\n"
        "notebook.write('parent')\n"
        "if os.fork() == 0:\n"
        "    notebook.write('child')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=True, cwd=ROOT)
    notes = {note["note"]: note["pid"] for note in read_notes(tmp_path)}
    assert set(notes) == {"parent", "child"}
    assert notes["parent"] != notes["child"]
    assert len(list(tmp_path.glob("*.notes"))) == 2


def test_questions_are_answered_while_the_harness_lives(tmp_path: Path) -> None:
    """Asked, not asked in time, ended, and the harness gone."""
    lease = tmp_path / "lease"
    lease.touch()
    folder = str(tmp_path)
    assert not questions.wait_for(folder, questions.PROBES, str(lease), 0.1)
    (tmp_path / questions.PROBES).touch()
    assert questions.wait_for(folder, questions.PROBES, str(lease), 10)
    (tmp_path / questions.END).touch()
    assert not questions.wait_for(folder, questions.LAST_WORDS, str(lease), 10)
    (tmp_path / questions.END).unlink()
    lease.unlink()
    begun = clock.monotonic()
    assert not questions.wait_for(folder, questions.PROBES, str(lease), 60)
    assert clock.monotonic() < begun + 30


def test_settings_are_read_as_written(tmp_path: Path) -> None:
    """One file, both ways."""
    settings = Settings(folder="x", redirect="http://k@127.0.0.1:1/1", hosts=("a", "b"), examine=True)
    write_settings(settings, tmp_path / "s.json")
    assert read_settings(str(tmp_path / "s.json")) == settings


class Client:
    def __init__(self, *integrations: str, **options: Any) -> None:
        self.integrations = dict.fromkeys(integrations)
        self.options = options


def library(client: Client, name: str, *disabled: str) -> dict[str, Any]:
    (found,) = (e for e in libraries(client, frozenset(disabled)) if e["integration"] == name)
    return found


def test_libraries_say_why_their_integration_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """On; and each reason there can be."""
    on = library(Client("flask"), "flask")
    assert (on["on"], on["loaded"], on["errors"], on["why"]) == (True, True, True, "")
    assert on["version"]
    assert library(Client(), "flask", "flask")["why"] == "disabled_integrations names it"
    assert library(Client(default_integrations=False), "flask")["why"] == "default_integrations=False"
    off = library(Client(auto_enabling_integrations=False), "flask")
    assert off["why"] == "auto_enabling_integrations=False"
    assert library(Client(), "flask")["why"] == "the SDK could not enable it"
    import sentry_sdk.integrations

    monkeypatch.setitem(sentry_sdk.integrations._MIN_VERSIONS, "flask", (99, 0))
    assert "is older than 99.0, which this SDK needs" in library(Client(), "flask")["why"]
    monkeypatch.setitem(sys.modules, "grpc", SimpleNamespace())  # type: ignore[arg-type]
    assert library(Client(), "grpc")["why"] == "the SDK never turns it on by itself"
    names = [entry["integration"] for entry in libraries(Client(), frozenset())]
    assert "sanic" not in names  # not installed


def test_applications_that_exist_are_found() -> None:
    """Before ``init``: framework objects by their class, without asking them anything."""
    app = flask.Flask("there")
    before = survey.before_init()
    assert "flask.app.Flask" in before["applications"]
    assert before["main_thread"]
    del app


def test_a_foreign_excepthook_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard one is not."""
    import sentry_sdk

    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    assert survey.of_process(sentry_sdk, frozenset())["excepthook"]["standard"]

    def ours(*_: object) -> None: ...

    monkeypatch.setattr(sys, "excepthook", ours)
    hook = survey.of_process(sentry_sdk, frozenset())["excepthook"]
    assert not hook["standard"]
    assert not hook["sdk"]
    assert hook["name"].endswith("ours")
    assert "test_inside.py:" in hook["place"]


def test_the_caller_is_found_outside_of_the_harness() -> None:
    """This very line."""
    assert re.fullmatch(r".*test_inside\.py:\d+", calling_place() or "")


def test_known_placeholders_are_filled_and_other_braces_left() -> None:
    """Code given to ``-c`` has braces of its own."""
    assert fill_known("{port}{x}{{dsn}} {", {"port": "1", "dsn": "d"}) == "1{x}{d} {"
    assert mentions(["a", "-p{port}"], "port")
    assert not mentions(["port"], "port")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """Old journals would be taken for new ones."""
    (tmp_path / "old").touch()
    with (
        pytest.raises(UsageError, match=r"the folder is not empty\n  hint: name one that is"),
        observe(tmp_path, name="x"),
    ):
        raise AssertionError


def test_the_doctors_faults_are_valid() -> None:
    """Terms parse, and the points of the doctor's own are there."""
    points = (ROOT / "pytest_sentry_harness/doctor/inside/sentry_harness_probe.py").read_text()
    for fault in faults():
        assert parse_chain(fault.do)
        module, _, name = fault.at.partition(":")
        assert module != "sentry_harness_probe" or f"def {name}() -> None:" in points


def test_every_rule_is_documented_and_no_other() -> None:
    """The table of docs/how-to/doctor.md names exactly the rules there are."""
    page = (ROOT / "docs" / "how-to" / "doctor.md").read_text(encoding="utf-8")
    table = page.partition("## What is found")[2].partition("## What it cannot find")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    documented = [name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split(" | ")[0])]
    assert sorted(documented) == sorted(RULES)
