"""What the documents promise is what the code does, and the project's files hold together."""

from __future__ import annotations

import configparser
import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pytest_sentry_harness.errors import TermError
from pytest_sentry_harness.model import overhead as overhead_model
from pytest_sentry_harness.model import scenario as scenario_model
from pytest_sentry_harness.model.account import State
from pytest_sentry_harness.model.delays import Delays
from pytest_sentry_harness.model.ledger import RECORD_TYPES, Place, Record, SdkDropped
from pytest_sentry_harness.model.metrics import METRICS
from pytest_sentry_harness.model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from pytest_sentry_harness.plan.scenario import parse_scenario
from pytest_sentry_harness.plan.terms import KINDS, parse_chain
from pytest_sentry_harness.statistics import binomial_interval
from tests.test_layers import ROWS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOT_OURS = {".git", "node_modules", ".venv", ".tox", "build", "dist", ".sentry-harness"}


def read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below ``heading``, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {heading!r}"
    return found[1]


def first_column(text: str) -> list[str]:
    """The first cell of each row of the tables in ``text``, where it is code, without the backticks."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in ``text``, heads and rulers left out."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines][1:]


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{re.escape(language)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def field_names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def markdown_files() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.md") if not NOT_OURS & set(path.relative_to(ROOT).parts))


def tracked_files() -> Iterator[Path]:
    """Files under version control; all files where this is not a clone."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        paths = [ROOT / name for name in found.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not NOT_OURS & set(path.relative_to(ROOT).parts)]
    return (path for path in paths if path.is_file())


# ---- docs/reference/ledger.md ------------------------------------------------------------------

LEDGER = read("docs", "reference", "ledger.md")
COMMON = field_names(Record)


def test_every_kind_of_record_is_documented_and_no_other() -> None:
    """The headings below "Kinds of records" are the kinds, in the code's order."""
    documented = re.findall(r"^### `(\w+)`$", LEDGER.partition("## Kinds of records")[2], re.MULTILINE)
    assert documented == [kind.KIND for kind in RECORD_TYPES]


@pytest.mark.parametrize("kind", RECORD_TYPES, ids=lambda kind: kind.KIND)
def test_every_field_of_a_record_is_documented_and_no_other(kind: type[Record]) -> None:
    """The table of each record kind lists its own fields exactly."""
    own = [name for name in field_names(kind) if name not in COMMON]
    assert first_column(section(LEDGER, f"`{kind.KIND}`")) == own


def test_the_common_fields_and_places_are_documented() -> None:
    """What every record has, and what a place is made of."""
    assert first_column(section(LEDGER, "Fields of every record")) == COMMON
    assert first_column(section(LEDGER, "`place`")) == field_names(Place)


@pytest.mark.parametrize("kind", RECORD_TYPES, ids=lambda kind: kind.KIND)
def test_every_allowed_word_of_a_record_is_documented(kind: type[Record]) -> None:
    """Fields that take one of a few words name each of them."""
    for name, hint in typing.get_type_hints(kind).items():
        if typing.get_origin(hint) is typing.Literal:
            (line,) = re.findall(rf"^\| `{name}` \|.*$", section(LEDGER, f"`{kind.KIND}`"), re.MULTILINE)
            assert [word for word in typing.get_args(hint) if word and f"`{word}`" not in line] == []


# ---- docs/reference/fault-terms.md -------------------------------------------------------------

TERMS = read("docs", "reference", "fault-terms.md")
SHOWN = [line for block in code_blocks(TERMS, "terms") for line in block.splitlines()]
REFUSED = [line for block in code_blocks(TERMS, "terms-refused") for line in block.splitlines()]


@pytest.mark.parametrize("text", SHOWN)
def test_every_term_in_the_docs_parses(text: str) -> None:
    """A term that is shown can be copied."""
    assert parse_chain(text)


@pytest.mark.parametrize("text", REFUSED)
def test_every_term_the_docs_call_refused_is_refused(text: str) -> None:
    """A term that is shown as wrong is an error with a hint."""
    with pytest.raises(TermError) as error:
        parse_chain(text)
    assert error.value.hint


def test_every_fault_kind_is_documented_with_an_example() -> None:
    """The table of kinds is complete, and each kind is used in a block."""
    assert first_column(section(TERMS, "Kinds")) == list(KINDS)
    assert {term.kind for text in SHOWN for term in parse_chain(text)} == set(KINDS)


# ---- docs/reference/scenario.md ----------------------------------------------------------------

SCENARIO = read("docs", "reference", "scenario.md")
# Where the file's key has another name than the model's field.
KEY_OF = {
    "stop_after_faults": "faults",
    "requests": "request",
    "reasons": "reason",
    "receivers": "receiver",
    "burns": "burn",
}
NOT_KEYS = {
    "path",
    "target",
    "load",
    "faults",
    "operations",
    "profiling",
    "noise",
    "objectives",
    "alerting",
    "dashboards",
    "overhead",
    "gates",
    "safety",
    "link",
    "twins",
    "twin",
    "extensions",
}
NO_KEYS_OF = {scenario_model.Scenario: NOT_KEYS, scenario_model.Shows: {"value_text"}}


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("`[scenario]`", scenario_model.Scenario),
        ("`[target]`", scenario_model.Target),
        ("`[load]`", scenario_model.Load),
        ("`[[link]]`", scenario_model.LinkRule),
        ("`[[twin]]`", scenario_model.Twin),
        ("`finds`", scenario_model.Finds),
        ("`[[fault]]`", scenario_model.Fault),
        ("`expect`", scenario_model.Expect),
        ("`[[operation]]`", scenario_model.Operation),
        ("`[profiling]`", scenario_model.Profiling),
        ("`[noise]`", scenario_model.Noise),
        ("`[[objective]]`", scenario_model.Objective),
        ("`[dashboards]`", scenario_model.Dashboards),
        ("`[[dashboards.shows]]`", scenario_model.Shows),
        ("`[alerting]`", scenario_model.Alerting),
        ("`delays`", Delays),
        ("`[[alerting.receiver]]`", scenario_model.ReceiverManner),
        ("`[safety]`", scenario_model.Safety),
    ],
)
def test_every_key_of_a_scenario_is_documented_and_no_other(heading: str, kind: type) -> None:
    """Each table of the page lists exactly the keys that there are."""
    names = [name for name in field_names(kind) if name not in NO_KEYS_OF.get(kind, ())]
    renamed = {} if kind in (scenario_model.LinkRule, scenario_model.Shows) else KEY_OF
    assert sorted(first_column(section(SCENARIO, heading))) == sorted(
        renamed.get(name, name) for name in names
    )


def test_every_key_of_a_scripted_request_is_documented() -> None:
    """``send`` stands for method and path."""
    documented = set(first_column(section(SCENARIO, "`[[load.request]]`")))
    assert documented == set(field_names(scenario_model.LoadRequest)) - {"method", "path"} | {"send"}


@pytest.mark.parametrize(
    ("heading", "kind", "renamed"),
    [
        (
            "`[overhead]`",
            overhead_model.Overhead,
            {"arms": "arm", "requests": "request", "options": "option"},
        ),
        ("`[[overhead.option]]`", overhead_model.OverheadOption, {}),
        ("`[[overhead.arm]]`", overhead_model.OverheadArm, {"init": ""}),
        ("`[[overhead.request]]`", overhead_model.OverheadRequest, {"method": "send", "path": ""}),
        ("`[[overhead.prepare]]`", overhead_model.OverheadPrepare, {"method": "send", "path": ""}),
    ],
)
def test_every_key_of_overhead_is_documented(heading: str, kind: type, renamed: dict[str, str]) -> None:
    """``send`` stands for method and path, and ``without = "agent"`` for an arm whose SDK is switched off."""
    keys = [renamed.get(name, name) for name in field_names(kind)]
    assert sorted(first_column(section(SCENARIO, heading))) == sorted(filter(None, keys))


def test_every_metric_is_documented_with_its_default_gate() -> None:
    """Metrics, default gates and meanings are those of the code."""
    documented = {cells[0].strip("`"): cells[1:] for cells in rows(section(SCENARIO, "`[gates]`"))}
    assert list(documented) == list(METRICS)
    for name, (gate, meaning) in documented.items():
        assert gate.strip("`") == (METRICS[name].default_gate or "none")
        assert meaning.startswith(METRICS[name].meaning)


@pytest.mark.parametrize("text", code_blocks(SCENARIO, "toml scenario"))
def test_every_scenario_in_the_docs_is_valid(text: str) -> None:
    """A scenario that is shown can be copied."""
    scenario = parse_scenario(text, DOCS / "example.toml", check_files=False)
    assert scenario.faults or scenario.overhead or scenario.objectives


# ---- exit codes, states, words -----------------------------------------------------------------


def test_the_exit_codes_in_the_docs_are_those_of_the_code() -> None:
    """Reference and glossary have the same table as the code."""
    expected = {f"`{verdict}`": str(code) for verdict, code in EXIT_CODES.items()} | {"-": str(EXIT_USAGE)}
    reference = rows(read("docs", "reference", "exit-codes.md"))
    assert {cells[1]: cells[0] for cells in reference} == expected
    glossary = rows(section(read("GLOSSARY.md"), "Verdicts and exit codes"))
    assert {cells[0]: cells[1] for cells in glossary} == expected


def test_every_state_of_a_fault_is_explained() -> None:
    """Glossary and explanation list the states of the code, all of them and no other."""
    states = [state.value for state in State]
    explanation = section(
        read("docs", "explanation", "what-capture-means.md"), "Every fault ends in one state"
    )
    assert sorted(first_column(explanation)) == sorted(states)
    assert sorted(first_column(section(read("GLOSSARY.md"), "States of a fault"))) == sorted(states)
    assert {verdict.value for verdict in Verdict} <= set(first_column(read("GLOSSARY.md")))


def test_no_word_of_the_glossary_is_explained_twice() -> None:
    """One word, one thing."""
    heads = {"word", "state", "verdict", "source", "-"}
    words = [cells[0] for cells in rows(read("GLOSSARY.md")) if cells[0] not in heads]
    assert len(words) == len(set(words))


def test_the_bounds_in_the_explanation_are_exact() -> None:
    """Each line of the table is what the code computes; 72 is the smallest sample below 5 %."""
    text = read("docs", "explanation", "what-capture-means.md")
    table = re.findall(r"^\| (\d+) \| ([\d.]+) % \|$", text, re.MULTILINE)
    assert len(table) >= 5
    for faults, percent in table:
        low, _ = binomial_interval(int(faults), int(faults))
        assert f"{100 * (1 - low):.2f}" == percent
    assert 1 - binomial_interval(72, 72)[0] < 0.05 <= 1 - binomial_interval(71, 71)[0]
    assert METRICS["capture.fired"].default_gate == ">= 72"


def test_the_runbook_has_a_section_for_every_reason() -> None:
    """Each reason of the index leads to a section that says what it means, how to confirm it, what to change."""
    text = read("docs", "runbooks", "capture.md")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    linked = re.findall(r"^\|.*\(#([\w-]+)\) \|$", text, re.MULTILINE)
    assert sorted(linked) == sorted(name.lower().replace(" ", "-") for name in sections)
    for name in sections:
        if name != "other reasons":
            assert re.findall(r"^\*\*(\w+)\*\*", section(text, name), re.MULTILINE) == [
                "Means",
                "Confirm",
                "Change",
            ]


def test_the_runbook_speaks_of_every_stage_at_which_the_sdk_drops() -> None:
    """A drop that the agent can name is a drop that the runbook can repair."""
    text = read("docs", "runbooks", "capture.md")
    stages = typing.get_args(typing.get_type_hints(SdkDropped)["stage"])
    # Two stages are known to people by the reason they lead to.
    known_as = {"inactive": "no_dsn", "sampling": "sample_rate"}
    assert [stage for stage in stages if f"`{known_as.get(stage, stage)}`" not in text] == []


# ---- architecture ------------------------------------------------------------------------------


def test_the_architecture_page_has_the_rows_of_the_code() -> None:
    """One line for each package, with the row that the import test holds it to."""
    table = rows(section(read("ARCHITECTURE.md"), "The rows"))
    documented = {cells[1].strip("`"): int(cells[0]) for cells in table}
    assert documented == {name: number for number, names in enumerate(ROWS) for name in names}


# ---- every text file ---------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The link targets that the headings of a Markdown file make."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(path: Path) -> None:
    """Links lead to files that exist, and to headings in them."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_on_the_map() -> None:
    """Each page below docs/ is linked from docs/index.md."""
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#]+)\)", read("docs", "index.md"))}
    pages = {path.resolve() for path in DOCS.rglob("*.md")} - {(DOCS / "index.md").resolve()}
    assert pages - linked == set()


# Written in pieces, so that this file does not forbid itself.
FORBIDDEN = [
    "(?<![\\w.$}~])/" + "(?:home|Users|root|work|farm)/" + "\\w",
    "/tmp/" + "venv",
    "\\b(?:TO" + "DO|FIX" + "ME|XX" + "X)\\b",
]


def test_no_file_names_a_machine_or_leaves_a_note_to_self() -> None:
    """Tracked text holds no paths of somebody's machine and no reminders."""
    pattern = re.compile("|".join(FORBIDDEN))
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # not text
        name = path.relative_to(ROOT)
        found += [
            f"{name}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(lines, 1)
            if pattern.search(line)
        ]
    assert found == []


def test_the_changelog_has_news_for_the_next_release() -> None:
    """There is a section Unreleased, and it says something."""
    assert re.search(r"^- \S", read("CHANGELOG.md").partition("## Unreleased\n")[2], re.MULTILINE)


# ---- tox, CI, dev.py ---------------------------------------------------------------------------


def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(read("tox.ini"))
    return parser


def test_tox_has_the_promised_environments() -> None:
    """Every supported Python, the checks, and the runs without optional packages."""
    environments = [name.strip() for name in tox()["tox"]["env_list"].split(",")]
    assert environments == ["py311", "py312", "py313", "lint", "types", "noxdist", "nolocust", "fast"]
    supported = re.findall(r"Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))
    assert [f"py{version.replace('.', '')}" for version in supported] == environments[:3]


def test_tox_and_the_dev_extra_agree_on_the_linter() -> None:
    """The linter's version is written twice; both are the same."""
    (ours,) = (
        entry for entry in PYPROJECT["project"]["optional-dependencies"]["dev"] if entry.startswith("ruff")
    )
    assert tox()["testenv:lint"]["deps"].splitlines()[-1].replace(" ", "") == ours


@pytest.mark.parametrize("name", ["dev.py", ".ci/run"])
def test_entry_points_can_be_executed(name: str) -> None:
    """The files people start are executable and begin with an interpreter."""
    assert os.access(ROOT / name, os.X_OK)
    assert read(name).startswith("#!/usr/bin/env ")


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev_entry", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_dev_help_names_every_command(dev: ModuleType) -> None:
    """``--help`` teaches all commands; without arguments the same text is a usage error."""
    answer = run_dev("--help")
    assert answer.returncode == 0
    assert [name for name in dev.COMMANDS if f"\n  {name} " not in answer.stdout] == []
    nothing = run_dev()
    assert (nothing.returncode, nothing.stdout) == (EXIT_USAGE, answer.stdout)


def test_dev_refuses_an_unknown_command() -> None:
    """A wrong command is a usage error that names the right ones."""
    answer = run_dev("tset")
    assert answer.returncode == EXIT_USAGE
    assert answer.stderr == (
        "dev: there is no command 'tset'\n  hint: one of gate, test, fast, calibrate, lint, types; see --help\n"
    )


def test_dev_uses_the_numbers_of_the_harness(dev: ModuleType) -> None:
    """Written twice, since dev.py runs before anything is installed."""
    assert (EXIT_CODES[Verdict.ERROR], EXIT_USAGE) == (dev.EXIT_BROKEN, dev.EXIT_USAGE)
    assert set(dev.EXTRAS) <= set(PYPROJECT["project"]["optional-dependencies"])


def test_dev_compiles_once_and_not_beside_the_sources(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wants no compiled files there has them in the environment; nobody else sees a difference."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    assert dev.compiled_once() == dict(os.environ)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    told = dev.compiled_once()
    assert (told["PYTHONPYCACHEPREFIX"], "PYTHONDONTWRITEBYTECODE" in told) == (
        str(ROOT / ".venv" / "compiled"),
        False,
    )


def test_dev_installs_again_only_when_needed(dev: ModuleType, tmp_path: Path) -> None:
    """A stamp serves its extra and the smaller ones, from the same pyproject.toml only."""
    stamp = tmp_path / "stamp.json"
    assert not dev.installed_extra(stamp, "all", "now")
    stamp.write_text('{"extra": "test", "fingerprint": "now"}', encoding="utf-8")
    assert dev.installed_extra(stamp, "all", "now")
    assert dev.installed_extra(stamp, "test", "now")
    assert not dev.installed_extra(stamp, "dev", "now")
    assert not dev.installed_extra(stamp, "all", "changed")
    for broken in ("", "[]", '{"extra": "test"}', '{"extra": "other", "fingerprint": "now"}'):
        stamp.write_text(broken, encoding="utf-8")
        assert not dev.installed_extra(stamp, "all", "now")


def test_dev_leaves_an_environment_of_others_alone(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file .venv, which points to an environment elsewhere, is named and kept."""
    redirect = tmp_path / ".venv"
    redirect.write_text("/somewhere/else\n", encoding="utf-8")
    monkeypatch.setattr(dev, "VENV", redirect)
    with pytest.raises(
        dev.DevError, match=r"points to '/somewhere/else'(.|\n)*hint: remove the file \(rm .venv\)"
    ):
        dev.make_venv()
    assert redirect.read_text(encoding="utf-8") == "/somewhere/else\n"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("===== 3 passed in 0.02s =====\n", "===== 3 passed in 0.02s ====="),
        (
            "1 failed, 2 passed, 1 warning in 61.20s (0:01:01)\n",
            "1 failed, 2 passed, 1 warning in 61.20s (0:01:01)",
        ),
        ("\x1b[32m==== \x1b[1m1 passed\x1b[0m in 1.0s ====\x1b[0m\nafter\n", "==== 1 passed in 1.0s ===="),
        ("ERROR: file or directory not found\n", None),
    ],
)
def test_dev_finds_the_closing_line_of_pytest(dev: ModuleType, output: str, line: str | None) -> None:
    """The last line is repeated at the end, whatever came after it."""
    assert dev.closing_line(output) == line


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ([], False),
        (["-v", "-n", "4"], False),
        (["-k", "terms"], True),
        (["tests/test_layers.py"], True),
        (["tests/test_layers.py::test_every_package_has_a_row"], True),
        (["-m", "not slow"], True),
    ],
)
def test_dev_judges_coverage_of_whole_runs_only(dev: ModuleType, arguments: list[str], chosen: bool) -> None:
    """When some tests are chosen, the share of lines they reach says nothing."""
    assert dev.selects(arguments) is chosen
