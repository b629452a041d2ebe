"""``exec``: a command in the foreground, with a Sentry of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..doctor.observation import fill_known, observe
from ..errors import HarnessError, TargetError, UsageError
from ..model.verdict import EXIT_CODES, EXIT_USAGE, Verdict
from ..report.lines import printable
from ..targets.command import free_port
from .foreground import Ended, run_foreground
from .news import News
from .tail import Account, Tail


def exec_command(
    words: Sequence[str],
    *,
    as_json: bool = False,
    to: Path | None = None,
    quiet: bool = False,
    port: int | None = None,
    redirect: bool = False,
    keep: Path | None = None,
) -> int:
    """Run ``words``; the exit code is theirs, or ours when they could not be run."""
    try:
        with folder_for(keep) as folder, _stream(to) as stream:
            observed = observe(folder, name=" ".join(words), redirect=redirect)
            with observed as observation:
                values = observation.values(port or free_port())
                filled = [fill_known(word, values) for word in words]
                show = _nothing if quiet else _shower(stream, as_json)
                with Tail(observation, show) as tail:
                    ended = run_foreground(filled, observation.environment(values, {}))
            _close(stream, tail, ended, as_json)
    except UsageError as error:
        print(f"sentry-harness: {error}", file=sys.stderr)
        return EXIT_USAGE
    except HarnessError as error:
        print(f"sentry-harness: {error}", file=sys.stderr)
        return EXIT_CODES[Verdict.ERROR]
    return ended.exit_code


def account_lines(account: Account, ended: Ended) -> Iterator[str]:
    """The account at the end, for people."""
    yield f"the command: {ended}"
    yield f"arrived: {_counts(account.arrived) or 'nothing'}"
    if account.refused:
        yield f"not accepted: {_counts(account.refused, separator='; ')}"
    if account.dropped:
        yield f"events dropped: {_counts(account.dropped, ' by ', '; ')}"
    if account.discarded:
        yield f"discarded by the transport: {_counts(account.discarded)}"
    if account.reported:
        yield f"by the SDK's own reports, it dropped: {_counts(account.reported)}"
    for process in account.processes.values():
        if process.queued:
            yield f"still queued when process {process.pid} ended: {process.queued} (lost)"
        elif process.initialised and not process.closed:
            yield (
                f"process {process.pid} ended without running its exit handlers, or runs still: "
                "what its queue held is not known"
            )
    if not account.processes:
        yield "the agent was in no process: no Python, or one started with -E or -I; only arrivals are known"
    elif not any(process.initialised for process in account.processes.values()):
        yield "no process initialised sentry_sdk"


def _counts(counter: Counter[str], between: str = " ", separator: str = ", ") -> str:
    return separator.join(f"{count}{between}{name}" for name, count in counter.most_common())


def _close(stream: TextIO, tail: Tail, ended: Ended, as_json: bool) -> None:
    if tail.trouble is not None:
        print(printable(f"sentry-harness: the stream is incomplete: {tail.trouble}"), file=sys.stderr)
    account = tail.account
    if as_json:
        document = {
            "what": "account",
            "exit_code": ended.exit_code,
            "arrived": account.arrived,
            "refused": account.refused,
            "dropped": account.dropped,
            "discarded": account.discarded,
            "reported": account.reported,
            "queued": {
                str(process.pid): process.queued for process in account.processes.values() if process.queued
            },
        }
        print(json.dumps(document), file=stream, flush=True)
        return
    for line in account_lines(account, ended):
        print(printable(f"[sentry] {line}"), file=stream, flush=True)


def _shower(stream: TextIO, as_json: bool) -> Callable[[News], None]:
    def show(news: News) -> None:
        line = json.dumps(news.document(), default=str) if as_json else news.line()
        print(line, file=stream, flush=True)

    return show


def _nothing(_news: News) -> None:
    """Nothing is shown before the account."""


@contextmanager
def folder_for(keep: Path | None) -> Iterator[Path]:
    """Where everything is written: ``keep``, or a folder that is thrown away, unless the command did not start."""
    if keep is not None:
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="sentry-harness-"))
    try:
        yield folder
    except TargetError:
        raise  # which names the log in there
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # Processes that outlive the command may still write there.
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stream(to: Path | None) -> Iterator[TextIO]:
    if to is None:
        yield sys.stderr
        return
    if not to.absolute().parent.is_dir():
        raise UsageError("the stream cannot be written: its folder does not exist", where=os.fspath(to))
    try:
        with to.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise HarnessError(
            f"the stream cannot be written: {error.strerror or error}",
            where=os.fspath(to),
            hint="the command has run, but its account is lost; make room, or name another file with --to",
        ) from error
