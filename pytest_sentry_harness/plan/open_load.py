"""The keys of ``[load]`` that make it an open one: a rate and a shape, or stages one by one."""

from __future__ import annotations

from ..model.scenario import Stage
from .arrivals import PEAKED, SHAPES, expected, shaped
from .tables import Table

OPEN_KEYS = ("rate", "shape", "peak", "stages", "arrivals")
_MOST_ARRIVALS = 1_000_000
_PEAK_FACTOR = 10.0
_HINT = 'write stages = [{ for = "10s", from = 5, to = 50 }]'


def read_stages(table: Table, seconds: float) -> tuple[Stage, ...]:
    """The stages that ``table`` asks for; ``seconds`` is how long a shape takes. Raises ``ScenarioError``."""
    if "stages" in table:
        stages = _explicit(table)
    elif "rate" in table:
        stages = _from_shape(table, seconds)
    else:
        (first, *_) = (key for key in OPEN_KEYS if key in table)
        raise table.fail(
            first,
            f"{first} belongs to an open load, and this one has no rate",
            hint="write rate = 50, arrivals a second; or drop it, and users wait for their answers",
        )
    count = expected(stages)
    if count < 1:
        raise table.fail(
            "stages" if "stages" in table else "rate",
            f"these stages bring {count:.2g} arrivals: nothing would be sent",
            hint="raise the rate, or the time",
        )
    if count > _MOST_ARRIVALS:
        raise table.fail(
            "stages" if "stages" in table else "rate",
            f"these stages bring {count:.0f} arrivals, and {_MOST_ARRIVALS} are the most for one run",
            hint="lower the rate, or the time",
        )
    return stages


def _from_shape(table: Table, seconds: float) -> tuple[Stage, ...]:
    shape = table.choice("shape", "steady", SHAPES)
    rate = table.number("rate", 1.0)
    peak = table.number("peak", _PEAK_FACTOR * rate)
    if "peak" in table and shape not in PEAKED:
        raise table.fail(
            "peak", f"the shape {shape!r} has no peak", hint=f"drop it, or write shape = {PEAKED[0]!r}"
        )
    if peak < rate:
        raise table.fail("peak", f"peak = {peak:g} is below rate = {rate:g}", hint="raise it above the rate")
    return shaped(shape, seconds=seconds, rate=rate, peak=peak)


def _explicit(table: Table) -> tuple[Stage, ...]:
    for key in ("rate", "shape", "peak", "run_time"):
        if key in table:
            raise table.fail(
                key,
                f"stages say everything about rate and time, and {key} is given beside them",
                hint=f"drop {key}, or drop stages and write rate, shape and run_time",
            )
    entries = table.list_of_tables("stages")
    if not entries:
        raise table.fail("stages", "the list of stages is empty", hint=_HINT)
    return tuple(_stage(table, number, entry) for number, entry in enumerate(entries, start=1))


def _stage(table: Table, number: int, entry: object) -> Stage:
    if not isinstance(entry, dict):
        raise table.fail("stages", f"stage {number} must be a table", hint=_HINT)
    stage = table.within("stages", entry)
    seconds = stage.seconds("for", 0.0)
    if not seconds > 0:
        raise table.fail("stages", f"stage {number} does not say how long it lasts", hint=_HINT)
    start = _rate(table, stage.anything("from"), number, "from")
    end = _rate(table, stage.anything("to"), number, "to") if "to" in stage else start
    stage.done()
    return Stage(seconds=seconds, start=start, end=end)


def _rate(table: Table, value: object, number: int, key: str) -> float:
    """Arrivals a second; 0 is allowed, for a pause."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        said = "is missing" if value is None else f"= {value!r} is not a rate"
        raise table.fail("stages", f"stage {number}: {key} {said}", hint=f"arrivals a second; {_HINT}")
    return float(value)
