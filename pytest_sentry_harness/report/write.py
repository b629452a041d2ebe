"""Write a run's reports into its folder."""

from __future__ import annotations

from pathlib import Path

from .document import RunDocument, encode
from .junit import to_junit
from .markdown import to_markdown


def write_reports(document: RunDocument, run_json: Path, junit: Path, summary: Path) -> None:
    """``run.json``, JUnit and Markdown of one run."""
    run_json.write_bytes(encode(document))
    junit.write_bytes(to_junit([document]))
    summary.write_bytes(to_markdown([document]))
