"""A scenario is run once in a session, on whichever pytest-xdist worker its first criterion comes up."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import HarnessError

if TYPE_CHECKING:
    from ..report.document import RunDocument

_KEY = "sentry_harness_shared"
_FOLDER = pytest.StashKey[str]()


def tell_worker(node: Any) -> None:
    """In the controller: tell a worker where the workers of this session leave word for each other.

    With ``--dist=each`` every worker is to run everything, so there is no such place.
    """
    config: pytest.Config = node.config
    if config.getoption("dist") == "each":
        return
    # Made by the worker that needs it, if one does; of a random name, so that nobody else has made it.
    folder = config.stash.get(_FOLDER, "")
    if not folder:
        folder = os.path.join(tempfile.gettempdir(), f"sentry-harness-{secrets.token_hex(8)}")
        config.stash[_FOLDER] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    node.workerinput[_KEY] = folder


def run_once(config: pytest.Config, path: Path, run: Callable[[], RunDocument]) -> RunDocument:
    """The document of ``run``, or of the run that another worker made of the scenario at ``path``.

    Raises what ``run`` raises; ``HarnessError`` with the same text where another worker had the error.
    """
    folder = getattr(config, "workerinput", {}).get(_KEY)
    if folder is None:
        return run()
    with _claim(Path(folder), path) as word:
        told = word.read_text(encoding="utf-8")
        if told:
            return _read(json.loads(told))
        try:
            document = run()
        except HarnessError as error:
            word.write_text(json.dumps({"failed": str(error)}), encoding="utf-8")
            raise
        word.write_text(json.dumps({"run": document.run.id}), encoding="utf-8")
        return document


def _read(told: dict[str, str]) -> RunDocument:
    from ..harness.folder import RUNS, RunFolder
    from ..report.document import decode

    if "failed" in told:
        raise HarnessError(told["failed"])
    return decode(RunFolder(RUNS / told["run"]).document.read_bytes())


@contextlib.contextmanager
def _claim(folder: Path, path: Path) -> Iterator[Path]:
    """The file that tells of the run of ``path``, for this worker alone; a worker that dies lets go of it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    word = folder / hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()
    with word.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield word
