"""Progress of a run in the terminal: a live line and panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live as Screen
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .. import clock
from ..harness.progress import Progress as ProgressProtocol
from ..model.live import Live
from ..report.live import live_line, live_rows

_LINE_SECONDS = 5.0
"""How often a log is told how the run stands."""
_PANEL_LOSSES = 4


class _Lines:
    """One line a stage, and one every few seconds while load is driven, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told_at = clock.monotonic()

    def stage(self, title: str) -> None:
        self._console.print(Text(f"… {title}"), soft_wrap=True)
        self._told_at = clock.monotonic()

    def news(self, text: str, done: float | None = None) -> None:
        """News would fill a log."""

    def live(self, look: Callable[[], Live]) -> None:
        if clock.monotonic() >= self._told_at + _LINE_SECONDS:
            self._told_at = clock.monotonic()
            live = look()
            self._console.print(Text(f"  {live.seconds:.0f} s: {live_line(live)}"), soft_wrap=True)


class _Bar:
    """A spinner, the stage, a bar where the share is known, and the latest news; below it the run as it stands."""

    def __init__(self, progress: Progress, screen: Screen) -> None:
        self._progress = progress
        self._screen = screen
        self._task = progress.add_task("starting", total=None, news="")

    def stage(self, title: str) -> None:
        self._progress.reset(self._task, description=title, total=None, news="")
        self._screen.update(self._progress, refresh=True)

    def news(self, text: str, done: float | None = None) -> None:
        if done is not None:
            self._progress.update(self._task, total=1.0, completed=min(done, 1.0))
        self._progress.update(self._task, news=text)

    def live(self, look: Callable[[], Live]) -> None:
        self._screen.update(Group(self._progress, live_panel(look())), refresh=True)


def live_panel(live: Live) -> Panel:
    """The run as it stands."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for figure, value in live_rows(live, _PANEL_LOSSES):
        table.add_row(Text(figure, overflow="ellipsis", no_wrap=True), Text(value))
    return Panel(table, title="so far", title_align="left", expand=False)


@contextmanager
def shown_progress(console: Console) -> Iterator[ProgressProtocol]:
    """Show the progress of one run on ``console``."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[news]}", markup=False),
        TimeElapsedColumn(),
    )
    # Not started itself: the screen draws it.
    progress = Progress(*columns, console=console)
    with Screen(progress, console=console, transient=True) as screen:
        yield _Bar(progress, screen)
