"""A run of the harness that Locust itself begins and ends."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import clock
from ..errors import HarnessError, UsageError
from ..load.process import LoadEnding

if TYPE_CHECKING:
    from ..harness.live import LiveView
    from ..harness.run import ActiveRun


log = logging.getLogger(__name__)

_OWN = ("127.0.0.1", "localhost", "::1")


def check_address(address: str, allowed: tuple[str, ...]) -> None:
    """Raise ``UsageError`` unless faults may be asked for at ``address``."""
    if address not in (*_OWN, *allowed):
        raise UsageError(
            f"the scenario does not allow requests with faults to {address!r}",
            where="--sentry-harness-address",
            hint=f'if you mean it, add to the scenario: [safety] hosts = ["{address}"], and have the target listen there',
        )


def reached_by(url: str, address: str) -> str:
    """``url`` with the host ``address``."""
    parts = urlsplit(url)
    host = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def led_by_another(path: Path) -> LiveView:
    """The run in the folder ``path``, which somebody else leads, as it stands."""
    from ..harness.folder import RunFolder
    from ..harness.live import LiveView, of_store

    folder = RunFolder(path)
    try:
        expectations = {fault.name: fault.expect for fault in folder.read_scenario().faults}
    except (HarnessError, OSError) as error:
        log.warning("sentry-harness: shown without what the scenario expects: %s", error)
        expectations = {}
    return LiveView(folder.ledger, of_store(folder.store), expectations)


class Alone:
    """A run begun by this process: its target is up, and it is judged here."""

    def __init__(self, run: ActiveRun, host: str) -> None:
        self._run = run
        self.host = host
        """Base URL of the target, as users reach it."""
        self._begun = clock.monotonic()

    @classmethod
    def begin(cls, scenario: Path, folder: str | None, *, address: str | None = None) -> Alone:
        """Start server and target of ``scenario``; ``address`` is the host by which users reach it.

        Raises ``HarnessError``.
        """
        # Heavy, and not needed where the harness drives Locust.
        from ..harness.run import begin
        from ..plan.scenario import load_scenario

        wanted = load_scenario(scenario)
        if address is not None:
            check_address(address, wanted.safety.hosts)
        run = begin(wanted, runs=None if folder is None else Path(folder))
        return cls(run, run.host if address is None else reached_by(run.host, address))

    @property
    def arming_path(self) -> Path:
        """What the load needs to know."""
        return self._run.arming_path

    def live_view(self) -> LiveView:
        """The run as it stands, for whoever watches."""
        return self._run.live_view()

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
