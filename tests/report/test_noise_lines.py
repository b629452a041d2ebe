"""Issues held against root causes, in the reports."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from pytest_sentry_harness.model.noise import CauseTold, Foreign, IssueTold, NoiseInfo
from pytest_sentry_harness.report.noise import noise_lines, print_noise

GOOD = IssueTold(
    number=1,
    title="ShopError: no",
    culprit="shop in save",
    variant="app",
    events=10,
    causes=(("save", 10),),
    split=(),
    because=(),
    example="e1",
)
BAD = replace(
    GOOD,
    number=2,
    title="x" * 200,
    events=7,
    causes=(("pay", 4), ("ship", 3)),
    split=("pay",),
    because=("in common: frame shop in call", "only here: type ShopError"),
)
INFO = NoiseInfo(
    config="newstyle:2026-01-20 (subset) with 2 fingerprint rules",
    events=17,
    by_trace=3,
    unlabelled=4,
    issues=2,
    causes=(
        CauseTold(name="save", events=10, requests=10, issues=1),
        CauseTold(name="pay", events=4, requests=4, issues=2),
        CauseTold(name="ship", events=3, requests=3, issues=1),
        CauseTold(name="never", events=0, requests=0, issues=0),
    ),
    table=(BAD, GOOD),
    merged=(),
    split=(),
    merged_causes=2,
    split_causes=1,
    together=54,
    pairs_of_issues=66,
    pairs_of_causes=54,
    duplicates=0,
    with_category=0,
    with_severity=0,
    misclassified=(),
)
SENTENCES = [
    "noise: 17 events of 3 root causes in 2 issues, 88.24 % fewer; pairwise precision 81.82 %, recall 100 %",
    "grouped by newstyle:2026-01-20 (subset) with 2 fingerprint rules",
    "3 of them are of a fault by their request alone: the agent saw none in them",
    "4 events more are of no fault, or of several at once, and are in no figure of noise",
]


def printed(info: NoiseInfo) -> list[str]:
    console = Console(file=io.StringIO(), width=220)
    print_noise(info, console)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def markdown(info: NoiseInfo) -> list[str]:
    lines = noise_lines(info, lambda *cells: "| " + " | ".join(cells) + " |", lambda text: text)
    return [line.strip() for line in lines]


def test_the_account_comes_first_and_names_the_configuration() -> None:
    """In the terminal and in Markdown, with what is in no figure."""
    assert printed(INFO)[:4] == SENTENCES
    assert [line for line in markdown(INFO) if line][:4] == SENTENCES


def test_what_is_shared_and_what_is_foreign_is_shown() -> None:
    """Causes that come together in a sentence; errors of no fault among the causes of their issue."""
    foreign = Foreign(issue=1, causes=("save",), count=2, title="KeyError", because=(), example="e9")
    shared = replace(INFO.causes[0], shared=4, shared_with=("pay", "ship"))
    info = replace(
        INFO, causes=(shared,), table=(replace(GOOD, foreign=3),), foreign=(foreign,), foreign_issues=1
    )
    page = "\n".join(markdown(info))
    assert "save: 4 of these may be of pay, ship just as well" in page
    assert "| 1 | 10 | ShopError: no | 10 save; 3 of no fault | foreign |" in page
    assert "3 of no fault" in "\n".join(printed(info))


def test_a_row_for_each_issue_says_what_is_wrong_and_why() -> None:
    """The worst first; long titles are cut."""
    page = "\n".join(printed(INFO))
    assert "issue events title root causes wrong why" in page
    assert f"2 7 {'x' * 79}… 4 pay merged and split in common: frame shop in call" in page
    assert "3 ship only here: type ShopError" in page
    assert "1 10 ShopError: no 10 save" in page
    rows = markdown(INFO)
    assert rows[rows.index("|---:|---:|---|---|---|---|") + 1 :][:2] == [
        f"| 2 | 7 | {'x' * 79}… | 4 pay; 3 ship | merged and split | in common: frame shop in call; only here: type ShopError |",
        "| 1 | 10 | ShopError: no | 10 save |  |  |",
    ]


def test_little_is_said_of_little() -> None:
    """Without an event there is no table, and no figure."""
    empty = replace(
        INFO,
        events=0,
        by_trace=0,
        unlabelled=0,
        issues=0,
        causes=(),
        table=(),
        together=0,
        pairs_of_issues=0,
        pairs_of_causes=0,
    )
    assert printed(empty) == [
        "noise: 0 events of 0 root causes in 0 issues, - fewer; pairwise precision -, recall -",
        SENTENCES[1],
    ]
    assert len([line for line in markdown(empty) if line]) == 2


def test_long_tables_are_cut() -> None:
    """By rows, and by the root causes in one."""
    many = tuple((f"cause-{number}", 1) for number in range(12))
    info = replace(INFO, issues=300, table=(replace(GOOD, causes=many), *(GOOD,) * 49))
    page = printed(info)
    assert "the worst 20 of 300 issues follow; 50 are in run.json" in page
    assert sum("ShopError: no" in line for line in page) == 20
    assert any(line.endswith("4 more") for line in page)
    assert sum(line.startswith("| 1 |") for line in markdown(info)) == 20


def test_what_steers_a_terminal_is_made_harmless() -> None:
    """Titles come from the target."""
    info = replace(INFO, table=(replace(GOOD, title="\x1b[31mred"),))
    assert "\x1b" not in "\n".join(printed(info))
