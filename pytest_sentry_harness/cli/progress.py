"""Progress of a run in the terminal: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..harness.progress import Progress as ProgressProtocol


class _Lines:
    """One line a stage, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, title: str) -> None:
        self._console.print(Text(f"… {title}"), soft_wrap=True)

    def news(self, text: str, done: float | None = None) -> None:
        """News would fill a log."""


class _Bar:
    """A spinner, the stage, a bar where the share is known, and the latest news."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None, news="")

    def stage(self, title: str) -> None:
        self._progress.reset(self._task, description=title, total=None, news="")

    def news(self, text: str, done: float | None = None) -> None:
        if done is not None:
            self._progress.update(self._task, total=1.0, completed=min(done, 1.0))
        self._progress.update(self._task, news=text)


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
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)
