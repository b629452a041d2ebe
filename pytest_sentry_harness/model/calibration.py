"""Calibrations, and the real failures they reproduce."""

from __future__ import annotations

from dataclasses import dataclass

from .verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One run of a calibration, and whether it came out as it has to."""

    scenario: str
    file: str
    twin: str
    """Empty: the healthy scenario."""
    stories: tuple[str, ...]
    verdict: Verdict
    fired: int
    lost: int
    attributed: int
    """Of ``lost``: reported for the planted cause."""
    causes: tuple[tuple[str, int], ...]
    """What was reported, and how often; most frequent first."""
    why: str
    """What is wrong with the outcome; empty when it is as it has to be."""
    run_id: str
    seconds: float
    size: str = ""
    """The measured size beside the planted one; empty where none was planted."""

    @property
    def good(self) -> bool:
        """Whether the run came out as it has to."""
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class RealFailure:
    """One failure somebody reported."""

    id: str
    symptom: str
    cause: str
    thread: str
    """Where it was reported: ``owner/name#N``."""
    unreproduced: str = ""
    """Why no scenario shows it; empty when one does."""
