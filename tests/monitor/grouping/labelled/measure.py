"""How the labelled events are grouped: figures, and what is merged and split.

python -m tests.monitor.grouping.labelled.measure
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytest_sentry_harness.model.monitored import Event
from pytest_sentry_harness.monitor.grouping import Labelled, Quality, quality
from pytest_sentry_harness.monitor.issues import Issues

ROOT = Path(__file__).parents[4]


def recorded(out: Path) -> list[tuple[str, dict[str, Any]]]:
    """Label and payload of each event; from a process of its own, as integrations change frameworks for good."""
    subprocess.run(
        [sys.executable, "-m", "tests.monitor.grouping.labelled.record", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [(line["label"], line["data"]) for line in lines]


def put_to_issues(events: list[tuple[str, dict[str, Any]]]) -> list[Labelled]:
    """The events with the issues they are put to."""
    issues = Issues()
    found = []
    for number, (label, data) in enumerate(events):
        event = Event(
            cursor=number, received_at=float(number), project="1", event_id=data["event_id"], data=data
        )
        seen = issues.see(event)
        found.append(
            Labelled(label=label, group=seen.issue.number, event_id=event.event_id, grouping=seen.grouping)
        )
    return found


def main() -> None:
    """Print one line per figure."""
    with tempfile.TemporaryDirectory() as folder:
        events = put_to_issues(recorded(Path(folder) / "events.jsonl"))
    shown("ordinary", quality(event for event in events if not event.label.startswith("hard")))
    whole = quality(events)
    shown("all", whole)
    for merged in whole.merged:
        print("merged:", " | ".join(label for label, _ in merged.labels), "—", merged.because[-1])
    for split in whole.split:
        print("split:", split.label, f"into {len(split.groups)} —", split.because[0])


def shown(name: str, found: Quality) -> None:
    """One line."""
    print(
        f"{name}: {found.events} events of {found.labels} causes in {found.groups} issues; "
        f"precision {found.precision:.3f} ({found.together} of {found.pairs_of_groups} pairs), "
        f"recall {found.recall:.3f} ({found.together} of {found.pairs_of_labels} pairs)"
    )


if __name__ == "__main__":
    main()
