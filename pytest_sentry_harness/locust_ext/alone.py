"""A run of the harness that Locust itself begins and ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import clock
from ..load.process import LoadEnding

if TYPE_CHECKING:
    from ..harness.run import ActiveRun


class Alone:
    """A run begun by this process: its target is up, and it is judged here."""

    def __init__(self, run: ActiveRun) -> None:
        self._run = run
        self._begun = clock.monotonic()

    @classmethod
    def begin(cls, scenario: Path, folder: str | None) -> Alone:
        """Start server and target of ``scenario``. Raises ``HarnessError``."""
        # Heavy, and not needed where the harness drives Locust.
        from ..harness.run import begin

        return cls(begin(scenario, runs=None if folder is None else Path(folder)))

    @property
    def host(self) -> str:
        """Base URL of the target."""
        return self._run.host

    @property
    def arming_path(self) -> Path:
        """What the load needs to know."""
        return self._run.arming_path

    def judge(self, *, requests: int, failures: int) -> int:
        """End the run, print its report, and give the exit code of its verdict.

        ``requests`` and ``failures`` are what Locust counted.
        """
        from rich.console import Console

        from ..report.terminal import print_report

        with self._run:
            self._run.load_ended(
                LoadEnding(
                    exit_code=0,
                    requests=requests,
                    failures=failures,
                    seconds=clock.monotonic() - self._begun,
                    log=None,
                )
            )
            document = self._run.finish()
        print_report(document, Console())
        return document.exit_code
