"""A run's folder: scenario, journals, store, facts and reports. Everything needed to judge it again."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .. import clock
from ..channels.redacted import redacted_text
from ..errors import EvidenceError, UsageError
from ..model.extensions import NO_EXTENSIONS, Extensions
from ..model.overhead import OverheadEvidence
from ..model.run import RunFacts
from ..model.scenario import Alerting, Dashboards, Noise, Scenario
from ..plan.scenario import load_scenario
from ..plan.twins import twin_of

RUNS = Path(".sentry-harness") / "runs"
NOTIFY = "notify.toml"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run, and what is written there."""

    path: Path

    @classmethod
    def create(cls, scenario: Scenario, base: Path | None = None) -> RunFolder:
        """A new folder under ``base`` (``.sentry-harness/runs`` here), with a copy of the scenario."""
        stamp = datetime.fromtimestamp(clock.wall(), UTC).strftime("%Y%m%d-%H%M%S")
        base = base or RUNS
        path = (base / f"{stamp}-{secrets.token_hex(3)}").absolute()
        path.mkdir(parents=True)
        ignore = base.parent / ".gitignore"
        if base == RUNS and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        folder = cls(path)
        folder.ledger.mkdir()
        folder.scenario.write_bytes(scenario.path.read_bytes())
        for name, source in (
            *rule_files(scenario.noise).items(),
            *alerting_files(scenario.alerting).items(),
            *dashboard_files(scenario.dashboards).items(),
        ):
            folder.rules.mkdir(exist_ok=True)
            data = source.read_bytes()
            if name == NOTIFY:
                data = redacted_text(data.decode("utf-8"), str(source)).encode()
            _write_for_owner(folder.rules / name, data)
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of a finished run.

        Raises ``UsageError`` when it is nothing of the kind, ``EvidenceError`` when a part of it is missing.
        """
        folder = cls(path.absolute())
        parts = (folder.scenario, folder.facts, folder.ledger, folder.store)
        missing = [part.name for part in parts if not part.exists()]
        if missing:
            error = EvidenceError if folder.facts.exists() or folder.ledger.exists() else UsageError
            raise error(
                f"this is not the folder of a finished run: {', '.join(missing)} missing",
                where=str(path),
                hint=f"name one of the folders under {RUNS}",
            )
        return folder

    @property
    def run_id(self) -> str:
        """The run's id is the name its folder was made with."""
        return self.path.name

    @property
    def scenario(self) -> Path:
        """Verbatim copy of the scenario file."""
        return self.path / "scenario.toml"

    @property
    def rules(self) -> Path:
        """Copies of the files that ``[noise]``, ``[alerting]`` and ``[dashboards]`` name; see ``rule_files`` and so on.

        For their owner alone. Verbatim, but for ``notify.toml``: nothing that is secret is in it.
        """
        return self.path / "rules"

    @property
    def alerting(self) -> Path:
        """Folder of what monitor and receivers noted: ``issues.jsonl``, ``trail.jsonl``, ``ending.json``, ``receipts/``."""
        return self.path / "alerting"

    @property
    def arming(self) -> Path:
        """What agent and load generator are told. Holds the run's key; removed when the run ends."""
        return self.path / "arming.json"

    @property
    def lease(self) -> Path:
        """Renewed while the harness lives."""
        return self.path / "lease"

    @property
    def ledger(self) -> Path:
        """Folder of the journals."""
        return self.path / "ledger"

    @property
    def store(self) -> Path:
        """Folder of what arrived."""
        return self.path / "store"

    @property
    def facts(self) -> Path:
        """``RunFacts``."""
        return self.path / "facts.json"

    @property
    def target_log(self) -> Path:
        """What the target printed."""
        return self.path / "target.log"

    @property
    def load_log(self) -> Path:
        """What Locust printed."""
        return self.path / "load.log"

    @property
    def series(self) -> Path:
        """What the target took of the machine: one JSON line for each sample."""
        return self.path / "series.jsonl"

    @property
    def document(self) -> Path:
        """``run.json``."""
        return self.path / "run.json"

    @property
    def overhead(self) -> Path:
        """``OverheadEvidence``: what each launch measured; only in runs that measure what Sentry costs."""
        return self.path / "overhead.json"

    @property
    def launches(self) -> Path:
        """Folder of such a run's launches, one for each arm: what it printed and what it wrote."""
        return self.path / "launches"

    @property
    def junit(self) -> Path:
        """JUnit report."""
        return self.path / "junit.xml"

    @property
    def summary(self) -> Path:
        """Markdown report."""
        return self.path / "summary.md"

    def write_facts(self, facts: RunFacts) -> None:
        """Keep what only the harness knows."""
        replace(self.facts, json.dumps(asdict(facts), indent=1).encode())

    def read_facts(self) -> RunFacts:
        """Read it back. Raises ``EvidenceError``."""
        try:
            return msgspec.json.decode(self.facts.read_bytes(), type=RunFacts)
        except (OSError, msgspec.DecodeError) as error:
            raise EvidenceError(
                f"the facts of the run cannot be read: {error}", where=str(self.facts)
            ) from error

    def write_overhead(self, evidence: OverheadEvidence) -> None:
        """Keep what was measured so far."""
        replace(self.overhead, msgspec.json.format(msgspec.json.encode(evidence), indent=1))

    def read_overhead(self) -> OverheadEvidence:
        """Read it back; without the file, nothing was measured. Raises ``EvidenceError``."""
        if not self.overhead.exists():
            return OverheadEvidence(launches=())
        try:
            return msgspec.json.decode(self.overhead.read_bytes(), type=OverheadEvidence)
        except (OSError, msgspec.DecodeError) as error:
            raise EvidenceError(
                f"what was measured cannot be read: {error}", where=str(self.overhead)
            ) from error

    def read_scenario(self, extensions: Extensions = NO_EXTENSIONS) -> Scenario:
        """The scenario of the run, as it was run; files it names need not exist any more."""
        scenario = load_scenario(self.scenario, check_files=False, extensions=extensions)
        twin = self.read_facts().twin
        return twin_of(scenario, twin) if twin else scenario


def rule_files(noise: Noise | None) -> dict[str, Path]:
    """The files that ``[noise]`` names, by key."""
    if noise is None:
        return {}
    named = {each.name: getattr(noise, each.name) for each in fields(noise)}
    return {key: path for key, path in named.items() if path is not None}


def alerting_files(alerting: Alerting | None) -> dict[str, Path]:
    """The files that ``[alerting]`` names, by the names of their copies: ``alerts-0.json``, ..., ``notify.toml``."""
    if alerting is None:
        return {}
    named = {f"alerts-{index}.json": path for index, path in enumerate(alerting.rules)}
    return named if alerting.notify is None else {**named, NOTIFY: alerting.notify}


def dashboard_files(dashboards: Dashboards | None) -> dict[str, Path]:
    """The files that ``[dashboards]`` names, by the names of their copies: ``dashboard-0.json``, ..."""
    files = dashboards.files if dashboards is not None else ()
    return {f"dashboard-{index}.json": path for index, path in enumerate(files)}


def _write_for_owner(path: Path, data: bytes) -> None:
    """Write a new file that nobody else may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def replace(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader finds the old file or the new one, never half of one."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)
