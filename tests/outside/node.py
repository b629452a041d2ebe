"""Packages of Node for tests: installed once per lock file, into a folder of the tests; skipped where that cannot be."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".sentry-harness" / "node"
_OLDEST = 20
"""The major version of Node that the services here need."""


def installed(package: Path) -> Path:
    """``node_modules`` with what the lock file in ``package`` says. Skips the test where it cannot be had."""
    _need_node()
    lock = (package / "package-lock.json").read_bytes()
    home = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not home.exists():
        _install(package, home)
    return home / "node_modules"


def _need_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").partition(".")[0]) < _OLDEST:
        pytest.skip(f"Node {_OLDEST} is needed, this is {version.strip()}")


def _install(package: Path, home: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        work = Path(folder) / "work"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(package / name, work)
        # Without install scripts: none of these packages needs one, and they would run anything.
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            ended = subprocess.run(
                command, cwd=work, capture_output=True, text=True, timeout=180, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip("npm ci did not end within 180 s")
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["nothing"])[-1]
            pytest.skip(f"npm ci failed (no package registry?): {last}")
        try:
            os.rename(work, home)
        except OSError:
            if not home.exists():  # else another test process was quicker
                raise
