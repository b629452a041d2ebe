"""The rules, each a pure function of the evidence, in a table by name.

A rule speaks only on evidence: an option that was not seen, or a probe that was not sent, is no finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..evidence import Evidence
from ..finding import Finding, Rule, Severity
from . import delivery, hooks, identity, integrations, privacy, setup, shutdown

RULES: Mapping[str, Rule] = {
    **setup.RULES,
    **delivery.RULES,
    **hooks.RULES,
    **shutdown.RULES,
    **integrations.RULES,
    **identity.RULES,
    **privacy.RULES,
}
_ORDER = list(Severity)


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """What all rules find, gravest first."""
    found = [
        replace(finding, rule=name) for name, rule in RULES.items() if (finding := rule(evidence)) is not None
    ]
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))
