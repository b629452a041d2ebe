"""Whether a value and a tolerance are written in the unit of the number that they are about."""

from __future__ import annotations

from ..errors import ScenarioError
from ..model.scenario import Shows, Within
from ..monitor.dashboards.measures import EQUATION, Measure

_WORDS = {
    "count": "a count",
    "ratio": "a share",
    "per minute": "a rate",
    "per second": "a rate",
    "milliseconds": "a duration",
    "seconds": "a time",
    "number": "a number",
}
_DURATION_HINT = 'write a number and a unit, as in "20ms" or "1.5s"'
_WITHIN_HINT = 'write a number, as in within = 2, or a share of what is known, as in within = "5%"'


def check_units(shows: Shows, measure: Measure) -> None:
    """That ``value`` and ``within`` fit the unit of ``measure``, as far as it is known before a run.

    Raises ``ScenarioError`` whose ``where`` is the key alone.
    """
    units = {aggregate.unit for aggregate in measure.aggregates}
    # The result of an equation has the unit of its aggregates, another, or none; that of a measurement is sent with it.
    alone = None if measure.text.startswith(EQUATION) else next(iter(units))
    timed = bool(units & {"milliseconds", "number"})
    gives = f"{measure.text} gives {_WORDS[alone] if alone else 'no duration'}"
    if shows.value is not None:
        _check_value(shows, alone, timed, gives)
    within = shows.within
    if within is None:
        return
    if within.duration and not timed:
        raise ScenarioError(
            f"within = {within.text!r} is a duration, and {gives}", where="within", hint=_WITHIN_HINT
        )
    if alone == "milliseconds" and within.text and not within.duration and not within.share and within.amount:
        raise ScenarioError(
            f"within = {within.text} has no unit, and {gives}", where="within", hint=_DURATION_HINT
        )
    wide = alone == "ratio" and not within.share and within.amount >= 1
    if wide or (shows.value and within.allows(0.0, shows.value)):
        raise ScenarioError(
            f"within = {within.text!r} takes a widget that shows nothing", where="within", hint="write less"
        )


def _check_value(shows: Shows, unit: str | None, timed: bool, gives: str) -> None:
    text = shows.value_text
    if not text or shows.value is None:
        return
    if text[-1].isalpha() and not timed:
        raise ScenarioError(
            f"value = {text!r} is a duration, and {gives}",
            where="value",
            hint="write a number, as in value = 3",
        )
    if text.endswith("%") and unit not in ("ratio", "number", None):
        raise ScenarioError(
            f"value = {text!r} is a share, and {gives}",
            where="value",
            hint="write it in the unit of the widget",
        )
    if unit == "milliseconds" and not text[-1].isalpha() and shows.value:
        raise ScenarioError(f"value = {text} has no unit, and {gives}", where="value", hint=_DURATION_HINT)
    if unit == "ratio" and shows.value > 1:
        raise ScenarioError(
            f"value = {text} is above 1, and {gives}",
            where="value",
            hint=f'write value = "{text}%", or a part of 1',
        )


def too_wide(unit: str, within: Within, known: float, ran: float) -> bool:
    """Whether a tolerance takes a widget that shows nothing for one that shows ``known``; ``ran``: seconds of the run.

    Times are measured twice, and how short they came out in one run is no mistake of whoever wrote down what a slow machine
    needs: of them it is too wide when nothing in a run takes so long, so that every number passes.
    """
    if unit == "milliseconds" and not within.share:
        return within.amount >= 1000 * ran
    return known != 0 and within.amount > 0 and within.allows(0.0, known)
