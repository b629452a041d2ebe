"""What kind of error an event reports and how urgent it is, and why. Pure, and never raises on what arrived.

The user's own rules are asked first (``rules``), then what is built in: ``category`` looks at the exceptions by what
``libraries`` and ``names`` know, ``severity`` at level, handling, status and category.
"""

from __future__ import annotations

from ...model.classified import Classified
from .category import find_category
from .facts import facts_of
from .rules import DEFAULT, Rule, Rules, parse_rules
from .severity import PAGERDUTY, find_severity

__all__ = ["DEFAULT", "PAGERDUTY", "Rule", "Rules", "classify", "parse_rules"]


def classify(data: object, rules: Rules = DEFAULT) -> Classified:
    """Category and severity of an event's payload.

    Never raises, whatever ``data`` is: what has the wrong type counts as missing. Looks at 50 exceptions at most, so the
    cost does not grow with the payload: O(own rules + exceptions).
    """
    facts = facts_of(data)
    category, decided, why = find_category(facts)
    given = rules.category(facts)
    if given is not None:
        category, why = given[0], (given[1],)
    wanted = rules.severity(facts)
    if wanted is not None:
        return Classified(category=category, severity=wanted[0], why=(*why, wanted[1]))
    severity, steps = find_severity(facts, category, decided)
    return Classified(category=category, severity=severity, why=(*why, *steps))
