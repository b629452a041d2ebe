"""Count the instructions of processes: by perf where the machine lets it, else by valgrind.

Both are attached to a target that runs, and count a window of its life. So its start-up, two orders of
magnitude more than a request, is not in the figures at all.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

from ...errors import TargetError, UsageError

_SECONDS = 60.0
"""How long a counter may take to answer."""
_OUT = "callgrind"
_TOTALS = re.compile(rb"^totals: (\d+)", re.MULTILINE)
EVENT = "instructions:u"


class Counter(Protocol):
    """A way to count."""

    @property
    def name(self) -> str:
        """What it is called."""

    def command(self, command: str, folder: Path) -> str:
        """How ``command`` has to be started so that it can be counted; files go to ``folder``, which exists."""

    def counting(self, pids: Sequence[int], folder: Path) -> contextlib.AbstractContextManager[Count]:
        """Count what ``pids`` execute within the block; the number is there when it has been left.

        Raises ``TargetError`` when the counter does not answer.
        """


@dataclass(slots=True)
class Count:
    """What one window came to."""

    instructions: int = 0


@dataclass(frozen=True, slots=True)
class Callgrind:
    """Valgrind executes the program itself, instruction by instruction: slow (a factor of 30 to 50), and exact.

    Counting is off until the first window, which makes the start-up three times as fast.
    """

    name: str = "valgrind"

    def command(self, command: str, folder: Path) -> str:
        """``command`` under valgrind, and with it whatever it executes."""
        # In this option, and only there, % begins a placeholder.
        out = str(folder / _OUT).replace("%", "%%") + ".%p"
        words = ("valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no")
        return f"{shlex.join([*words, f'--callgrind-out-file={out}'])} {command}"

    @contextlib.contextmanager
    def counting(self, pids: Sequence[int], folder: Path) -> Iterator[Count]:
        """Count what ``pids`` execute within the block."""
        count = Count()
        for pid in pids:
            _vgdb(pid, "instrumentation on")
            _vgdb(pid, "zero")
        yield count
        for pid in pids:
            _vgdb(pid, "dump")
            for path in folder.glob(f"{_OUT}.{pid}.*"):
                count.instructions += total_of(path.read_bytes())
                path.unlink()


@dataclass(frozen=True, slots=True)
class Perf:
    """The processor counts by itself: as fast as ever, where the kernel and the virtual machine let anybody ask."""

    event: str = EVENT
    name: str = "perf"

    def command(self, command: str, folder: Path) -> str:
        """``command`` as it is."""
        return command

    @contextlib.contextmanager
    def counting(self, pids: Sequence[int], folder: Path) -> Iterator[Count]:
        """Count what ``pids``, and the threads they start meanwhile, execute within the block."""
        count = Count()
        out = folder / "perf.csv"
        orders, said = os.pipe(), os.pipe()
        words = ["perf", "stat", "-x,", "-e", self.event, "-p", ",".join(map(str, pids)), "-o", str(out)]
        # Attached at once, counting only when told to: perf says when it has done what it was told.
        words += ["-D", "-1", "--control", f"fd:{orders[0]},{said[1]}"]
        with FileIO(orders[1], "wb") as order, FileIO(said[0], "rb") as answers:
            try:
                process = subprocess.Popen(
                    words,
                    pass_fds=(orders[0], said[1]),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                )
            finally:
                os.close(orders[0])
                os.close(said[1])
            try:
                _tell(process, order, answers, b"enable\n")
                yield count
                _tell(process, order, answers, b"disable\n")
                process.send_signal(signal.SIGINT)
                _, trouble = process.communicate(timeout=_SECONDS)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.wait()
        count.instructions = number_of(out.read_text(encoding="utf-8"), trouble.decode(errors="replace"))


def choose_counter(
    find: Callable[[str], str | None] = shutil.which, works: Callable[[], str] | None = None
) -> Counter:
    """The counter to use on this machine: perf, else valgrind. Raises ``UsageError`` when there is neither.

    ``find`` finds a program, ``works`` tries perf and gives back why it cannot count, or nothing.
    """
    reason = "perf is not installed"
    if find("perf"):
        reason = (works or why_perf_cannot)()
        if not reason:
            return Perf()
    if find("valgrind") and find("vgdb"):
        return Callgrind()
    raise UsageError(
        f"there is nothing to count instructions with: {reason}; valgrind is not installed",
        where="counting instructions",
        hint="install valgrind (apt install valgrind), or allow perf its hardware events (kernel.perf_event_paranoid, and "
        "a machine that passes its counters on); without either, measure CPU time: leave the counting out",
    )


def why_perf_cannot() -> str:
    """Why perf cannot count here; empty when it can."""
    try:
        tried = subprocess.run(
            ["perf", "stat", "-x,", "-e", EVENT, "true"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"perf does not run: {error}"
    try:
        number_of(tried.stderr, "")
    except TargetError as error:
        return error.what
    return ""


def total_of(dump: bytes) -> int:
    """The instructions in one of callgrind's dumps (Callgrind profile format, ``totals``)."""
    found = _TOTALS.search(dump)
    return int(found[1]) if found else 0


def number_of(lines: str, trouble: str) -> int:
    """The sum of what ``perf stat -x,`` counted. Raises ``TargetError`` with what perf says when it counted nothing."""
    total, said = 0, trouble.strip()
    for line in lines.splitlines():
        value, *others = line.split(",")
        if line.startswith("#") or len(others) < 2:
            continue
        try:
            total += int(float(value))
        except ValueError:  # <not supported>, <not counted>
            said = said or f"{others[1]} is {value.strip('<>')}"
    if total == 0:
        raise TargetError(
            f"perf counts nothing here: {said or lines.strip()[:200] or 'it says nothing'}",
            where="perf stat",
            hint="virtual machines and containers often hide the hardware's counters; with valgrind there are others",
        )
    return total


def _vgdb(pid: int, order: str) -> None:
    """Give callgrind in ``pid`` an order, and wait until it has been carried out."""
    try:
        ended = subprocess.run(
            ["vgdb", f"--pid={pid}", order],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _silent(pid, str(error)) from error
    if ended.returncode != 0:
        raise _silent(pid, ended.stderr.strip())


def _silent(pid: int, said: str) -> TargetError:
    return TargetError(
        f"callgrind does not answer in process {pid}: {said}",
        where="vgdb",
        hint="does the target run under valgrind as a whole? processes it starts through a service manager do not",
    )


def _tell(process: subprocess.Popen[bytes], order: FileIO, answers: FileIO, word: bytes) -> None:
    """Give perf an order, and wait until it says that it has carried it out. Raises ``TargetError``."""
    said = ""
    try:
        order.write(word)
        # perf ends its answer with a newline and, in some versions, a NUL.
        if b"ack" in answers.read(16):
            return
    except BrokenPipeError as error:
        said = str(error)
    process.kill()
    _, trouble = process.communicate()
    raise TargetError(
        f"perf does not count: {trouble.decode(errors='replace').strip()[:300] or said or 'it ended'}",
        where="perf stat",
        hint="is kernel.perf_event_paranoid 2 or less, and does the target still run?",
    )
