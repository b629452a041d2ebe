#!/usr/bin/env python3
"""One entry for everything one does in a clone: gate, tests, lint, types.

Needs Python 3.11 or newer and nothing else. It keeps a virtual environment in ``.venv`` beside this
file, installs what the command needs, and installs again only when ``pyproject.toml`` changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / "dev-stamp.json"
LOG = VENV / "dev-install.log"
OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11")
EXTRAS = ("all", "test", "dev")
"""Each contains the ones before it, so a bigger install serves the smaller ones too."""
EXIT_USAGE = 2
EXIT_BROKEN = 12
"""The same number the harness uses for "the harness broke": no verdict was reached."""
DEFAULT_GATE = "scenarios/capture.toml"
CATALOGUE = (
    "scenarios/causes",
    "scenarios/processes",
    *(f"scenarios/{name}.toml" for name in ("noise", "alerting", "dashboards", "objectives")),
)
CLOSING_LINE = re.compile(r"=* ?(?:\d+ [a-z]+(?:, )?)+ in [\d.]+s.*")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

HELP = f"""\
usage: python3 dev.py COMMAND [arguments]

  gate [ARGS]    judge the reference service: sentry-harness gate {DEFAULT_GATE}
                 (ARGS instead of that file: other scenarios, options; gate --help lists them)
  test [ARGS]    the whole test suite with coverage, subprocesses included; 95 % or it fails.
                 ARGS go to pytest; when they select tests, coverage is shown but not judged
  fast [ARGS]    the tests that take less than a minute together, without coverage
  calibrate [ARGS]
                 every shipped scenario of causes, process models, noise and alerting, and each twin with its defect: the
                 healthy ones must pass, the twins must fail for the planted cause (calibrate --help lists ARGS)
  lint [ARGS]    ruff check and ruff format --check (to repair: .venv/bin/ruff format .)
  types [ARGS]   mypy, strict

The first command makes .venv and installs into it; later ones start at once. Exit codes are those of the
tool that was run; for the gate: 0 pass, 10 fail, 11 inconclusive, 12 the harness broke, 2 usage.
Delete .venv to start afresh. The matrix of Python versions is tox's: tox -e py312 (see CONTRIBUTING.md).
"""


class DevError(Exception):
    """The command cannot be carried out; the text says why and what to do."""


class Stopped(Exception):  # noqa: N818 - not an error
    """Somebody asked this process to end (SIGTERM)."""


# ---- the virtual environment -------------------------------------------------------------------


def fingerprint(text: bytes) -> str:
    """What an installation depends on, in one word: ``pyproject.toml`` and where the clone lies."""
    return hashlib.sha256(text + b"\0" + str(ROOT).encode()).hexdigest()


def installed_extra(stamp: Path, wanted: str, current: str) -> bool:
    """Whether ``stamp`` says that ``wanted``, or an extra that contains it, was installed from ``current``."""
    try:
        document = json.loads(stamp.read_text(encoding="utf-8"))
        extra, print_of = document["extra"], document["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return print_of == current and extra in EXTRAS and EXTRAS.index(extra) >= EXTRAS.index(wanted)


def prepare(extra: str) -> None:
    """Make ``.venv`` hold this project with ``extra``. Raises ``DevError``."""
    current = fingerprint((ROOT / "pyproject.toml").read_bytes())
    if works(BIN / "python") and installed_extra(STAMP, extra, current):
        return
    if not works(BIN / "python"):
        make_venv()
    say(f"installing .[{extra}] into .venv (once; a minute or two the first time)")
    STAMP.unlink(missing_ok=True)
    pip = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--editable"]
    with LOG.open("wb") as log:
        code = run([*pip, f".[{extra}]"], stdout=log)
    if code != 0:
        raise DevError(
            f"pip could not install .[{extra}] (exit code {code}):\n{tail(LOG)}\n"
            f"  hint: the whole output is in {LOG.relative_to(ROOT)}; check that a package index can be reached "
            "(pip config list), then run the command again"
        )
    STAMP.write_text(json.dumps({"extra": extra, "fingerprint": current}), encoding="utf-8")


def works(python: Path) -> bool:
    """Whether ``python`` starts, is new enough, and has pip (an interrupted set-up leaves one that has not)."""
    if not python.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return run([str(python), "-c", probe], stdout=subprocess.DEVNULL) == 0


def make_venv() -> None:
    """Make ``.venv`` anew with the Python that runs this file."""
    if VENV.is_file():
        # PEP 832: a file .venv names an environment elsewhere. It is somebody's, so it stays.
        target = VENV.read_text(encoding="utf-8", errors="replace").strip()[:200]
        raise DevError(
            f".venv is a file that points to {target!r}; this command keeps its environment in a folder of that name\n"
            "  hint: remove the file (rm .venv) and run the command again"
        )
    say(f"making .venv with Python {sys.version.split()[0]}")
    output = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if output.returncode != 0:
        raise DevError(
            f"a virtual environment could not be made:\n{output.stdout.strip()}\n"
            "  hint: on Debian and Ubuntu install the package python3-venv; "
            "else check that the clone may be written to"
        )


# ---- running things ----------------------------------------------------------------------------


def run(
    command: Sequence[str],
    *,
    stdout: object = None,
    env: dict[str, str] | None = None,
    on_output: Callable[[bytes], None] | None = None,
) -> int:
    """Run ``command`` in the clone and give its exit code.

    When we are interrupted the child is given time to clean up: it may have servers and load
    generators of its own to stop. ``subprocess.call`` would kill it after a quarter of a second.
    """
    child = subprocess.Popen(
        list(command),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if on_output else stdout,  # type: ignore[call-overload]
        stderr=subprocess.STDOUT if stdout is not None else None,
        env=env,
    )
    try:
        while on_output and (chunk := os.read(child.stdout.fileno(), 65536)):
            on_output(chunk)
        return int(child.wait())
    except (KeyboardInterrupt, Stopped) as stop:
        # Ctrl-C reaches the whole foreground group, so the child knows already.
        if isinstance(stop, Stopped):
            child.terminate()
        try:
            rest, _ = child.communicate(timeout=45)
            if on_output and rest:
                on_output(rest)
        except subprocess.TimeoutExpired:
            child.kill()
        raise


def become(command: Sequence[str], env: dict[str, str] | None = None) -> int:
    """Replace this process by ``command``: signals, terminal and exit code are then its own."""
    os.chdir(ROOT)
    sys.stdout.flush()
    try:
        os.execve(command[0], list(command), env or dict(os.environ))  # noqa: S606
    except OSError as error:
        raise DevError(
            f"{command[0]} cannot be started: {error}\n  hint: delete .venv and try again"
        ) from error


def say(text: str) -> None:
    """A line of progress, apart from the output of the tools."""
    print(f"dev: {text}", file=sys.stderr, flush=True)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a file, indented."""
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join("    " + line for line in text[-lines:])


# ---- the commands ------------------------------------------------------------------------------


def gate(arguments: list[str]) -> int:
    """Judge the reference service, or whatever the arguments say."""
    prepare("all")
    return become([str(BIN / "sentry-harness"), "gate", *(arguments or [DEFAULT_GATE])])


def test(arguments: list[str]) -> int:
    """Run the tests under coverage, then judge: the tests first, coverage after them."""
    prepare("test")
    coverage = [str(BIN / "python"), "-m", "coverage"]
    # The data of every process belongs in one place, wherever the process was started.
    env = {**compiled_once(), "COVERAGE_FILE": str(ROOT / ".coverage")}
    run([*coverage, "erase"], env=env)
    output = bytearray()

    def tee(chunk: bytes) -> None:
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        output.extend(chunk)
        del output[:-20_000]

    colour = ["--color=yes"] if sys.stdout.isatty() else []
    # "coverage run" starts before pytest loads its plugins, ours among them: their lines count.
    command = [*coverage, "run", "-m", "pytest", *workers(), *colour, *arguments]
    tested = run(command, env=env, on_output=tee)
    combined = run([*coverage, "combine", "--quiet"], env=env)
    limit = ["--fail-under=0"] if selects(arguments) else []
    reported = combined or run([*coverage, "report", *limit], env=env)
    line = closing_line(output.decode("utf-8", "replace"))
    if reported and not combined:
        say("coverage is below the limit (fail_under in pyproject.toml)")
    print(line or f"pytest ended with exit code {tested} and no closing line", flush=True)
    return tested or reported


def fast(arguments: list[str]) -> int:
    """Run what takes less than a minute."""
    prepare("test")
    # These work more than they wait, and each worker collects all tests anew: one to spare is enough.
    few = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "worksteal"]
    command = [str(BIN / "python"), "-m", "pytest", "-m", "not slow", *few, *arguments]
    return become(command, compiled_once())


def calibrate(arguments: list[str]) -> int:
    """Hold every shipped scenario and twin against what must be found."""
    prepare("test")
    command = [str(BIN / "sentry-harness"), "calibrate", *CATALOGUE, "--jobs", "2", *arguments]
    return become(command, compiled_once())


def lint(arguments: list[str]) -> int:
    """Run both of ruff's checks, and tell of both."""
    prepare("dev")
    where = arguments or ["."]
    checked = run([str(BIN / "ruff"), "check", *where])
    formatted = run([str(BIN / "ruff"), "format", "--check", *where])
    return checked or formatted


def types(arguments: list[str]) -> int:
    """Run mypy over the files named in ``pyproject.toml``."""
    prepare("dev")
    return become([str(BIN / "python"), "-m", "mypy", *arguments])


def workers() -> list[str]:
    """Options for pytest-xdist. Most tests wait for processes of their own most of the time: two workers a core keep it busy."""
    return ["-n", str(max(2, min(8, 2 * (os.cpu_count() or 2)))), "--dist", "worksteal"]


def compiled_once() -> dict[str, str]:
    """The environment of tests. They start hundreds of programs: compiling what each imports takes longer than the tests.

    Whoever wants no compiled files beside the sources (PYTHONDONTWRITEBYTECODE) has them in ``.venv`` instead.
    """
    env = dict(os.environ)
    if env.pop("PYTHONDONTWRITEBYTECODE", ""):
        env.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "compiled"))
    return env


def selects(arguments: Sequence[str]) -> bool:
    """Whether pytest's arguments choose some of the tests, so that coverage of all cannot be asked."""
    chosen = ("-k", "-m", "-x", "--lf", "--ff", "--deselect", "--co", "--collect-only", "--help", "-h")
    return any(
        argument.startswith(chosen)
        if argument.startswith("-")
        else (ROOT / argument.partition("::")[0]).exists()
        for argument in arguments
    )


def closing_line(output: str) -> str | None:
    """The last line of pytest (``12 passed, 1 skipped in 3.4s``), without colours; None when it never came."""
    for line in reversed(COLOUR.sub("", output).splitlines()):
        if CLOSING_LINE.fullmatch(line.strip()):
            return line.strip()
    return None


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "gate": gate,
    "test": test,
    "fast": fast,
    "calibrate": calibrate,
    "lint": lint,
    "types": types,
}


def newer_python() -> str | None:
    """A Python on the path that is new enough, for machines whose ``python3`` is an old one."""
    return next((found for name in NEWER_PYTHONS if (found := shutil.which(name))), None)


def stop(number: int, frame: FrameType | None) -> None:
    """Turn SIGTERM into an exception, so that children are stopped too."""
    raise Stopped


def main(argv: list[str]) -> int:
    """Do what the command line says; the exit code."""
    if sys.version_info < OLDEST:
        other = newer_python()
        if other is None:
            version = ".".join(map(str, sys.version_info[:3]))
            print(f"dev: Python {version} is too old; this project needs 3.11 or newer", file=sys.stderr)
            print("  hint: install one and run: python3.11 dev.py ...", file=sys.stderr)
            return EXIT_BROKEN
        os.execv(other, [other, str(ROOT / "dev.py"), *argv])  # noqa: S606
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0 if argv else EXIT_USAGE
    command = COMMANDS.get(argv[0])
    if command is None:
        print(
            f"dev: there is no command {argv[0]!r}\n  hint: one of {', '.join(COMMANDS)}; see --help",
            file=sys.stderr,
        )
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, stop)
    try:
        return command(argv[1:])
    except DevError as error:
        print(f"dev: {error}", file=sys.stderr)
        return EXIT_BROKEN
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except Stopped:
        say("terminated")
        return 143


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
