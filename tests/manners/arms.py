"""One program, run with and without the agent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pytest_sentry_harness.injection import lease
from pytest_sentry_harness.injection.environment import agent_environment
from pytest_sentry_harness.ledger.reader import read_ledger
from pytest_sentry_harness.model.arming import ArmedFault, ArmedOperation, Arming
from pytest_sentry_harness.model.ledger import Note, Record
from pytest_sentry_harness.plan.arming_file import write_arming

R = TypeVar("R", bound=Record)
DEADLINE = 120.0


def fault(at: str, do: str = "0%raise(ValueError('v'))", name: str = "f", select: str = "call") -> ArmedFault:
    return ArmedFault(name=name, at=at, do=do, select=select)


@dataclass(frozen=True)
class Ended:
    """How a program ended, as far as it must not depend on the agent."""

    code: int
    out: str
    err: str


class Bench:
    """A folder with a program in it, and with what the agent is told."""

    def __init__(self, folder: Path, *faults: ArmedFault, operations: Sequence[ArmedOperation] = ()) -> None:
        self.folder = folder
        self.journals = folder / "told" / "journals"
        told = folder / "told"
        told.mkdir(parents=True)
        arming = Arming(
            run_id="run-1",
            key="key of the run",
            seed=1,
            faults=faults,
            operations=tuple(operations),
            journal_dir=str(self.journals),
            lease=str(told / "lease"),
            lease_seconds=600.0,
        )
        lease.renew(arming.lease)
        write_arming(arming, told / "arming.json")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def environment(self, *, agent: bool, more: Mapping[str, str] | None = None) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("SENTRY_", "PYTHON"))}
        # Hashes decide the order of sets, and that would decide what is printed.
        env = {**plain, "PYTHONHASHSEED": "0", **(more or {})}
        return agent_environment(self.folder / "told" / "arming.json", env) if agent else env

    def run(
        self,
        *arguments: str,
        agent: bool,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        cwd: Path | None = None,
    ) -> Ended:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.folder,
            env=self.environment(agent=agent, more=env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        return Ended(ended.returncode, _plain(ended.stdout), _plain(ended.stderr))

    def same(
        self,
        program: str,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run ``program`` both ways, hold them against each other, and give back how it ended."""
        path = self.write("program.py", program)
        without = self.run(*options, str(path), agent=False, env=env)
        with_agent = self.run(*options, str(path), agent=True, env=env)
        assert with_agent == without, f"without the agent: {without}\nwith it: {with_agent}"
        return with_agent

    def records(self, kind: type[R]) -> list[R]:
        return [record for record in read_ledger(self.journals) if isinstance(record, kind)]

    def trouble(self) -> list[str]:
        """What the agent recorded as its own failures."""
        return [note.text for note in self.records(Note) if note.level != "info"]


def _plain(text: str) -> str:
    """Without what differs between any two runs: addresses and process ids."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
