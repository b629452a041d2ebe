"""Real failures of monitoring, as other people met them: the list that twins refer to by id."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ..errors import ScenarioError
from ..model.calibration import RealFailure
from .tables import Document, Table


def load_stories(path: Path) -> tuple[RealFailure, ...]:
    """Read the ``[[story]]`` tables of ``path``. Raises ``ScenarioError``."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ScenarioError(f"the list of stories cannot be read: {error}", where=str(path)) from error
    document = Document(str(path), text)
    stories: list[RealFailure] = []
    for index, entry in enumerate(content.get("story", [])):
        table = Table(document, "story", entry, index)
        story = RealFailure(
            id=table.required("id", 'write id = "A1"'),
            symptom=table.required("symptom", "say what people saw"),
            cause=table.required("cause", "say what it came from"),
            thread=table.required("thread", "say where it was reported"),
            unreproduced=table.text("unreproduced") or "",
        )
        table.done()
        if story.id in (earlier.id for earlier in stories):
            raise table.fail("id", f"two stories have the id {story.id!r}")
        stories.append(story)
    return tuple(stories)
