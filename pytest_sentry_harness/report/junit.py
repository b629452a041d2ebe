"""JUnit XML: one suite a scenario, one test case a criterion.

A criterion that is not met is a ``failure``; one that could not be judged is an ``error``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ..criteria.verdict import show
from ..model.verdict import CriterionResult, Verdict
from .document import RunDocument
from .lines import loss_line

# XML 1.0 allows no other control characters, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(documents: Sequence[RunDocument]) -> bytes:
    """One JUnit file for the runs."""
    root = ET.Element("testsuites", name="sentry-harness")
    for document in documents:
        _suite(root, document)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(root: ET.Element, document: RunDocument) -> None:
    verdicts = [criterion.verdict for criterion in document.criteria]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=xml_text(document.scenario.name),
        tests=str(len(verdicts)),
        failures=str(verdicts.count(Verdict.FAIL)),
        errors=str(verdicts.count(Verdict.ERROR) + verdicts.count(Verdict.INCONCLUSIVE)),
        skipped="0",
        time=f"{document.run.seconds:.1f}",
        timestamp=document.run.started,
    )
    for criterion in document.criteria:
        _case(suite, document, criterion)


def _case(suite: ET.Element, document: RunDocument, criterion: CriterionResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=xml_text(document.scenario.name),
        name=criterion.criterion,
        time=f"{document.run.seconds:.1f}",
    )
    properties = ET.SubElement(case, "properties")
    values = {"verdict": str(criterion.verdict), "run": document.run.id, "seed": str(document.scenario.seed)}
    for result in criterion.gates:
        measurement = result.measurement
        values[result.metric] = (
            f"{show(measurement.value, measurement.unit)} ({result.gate}): {result.verdict}"
        )
    for name, value in values.items():
        ET.SubElement(properties, "property", name=f"sentry_harness.{name}", value=xml_text(value))
    if criterion.verdict is not Verdict.PASS:
        tag = "failure" if criterion.verdict is Verdict.FAIL else "error"
        why = [
            f"{result.metric}: {result.why}"
            for result in criterion.gates
            if result.verdict is not Verdict.PASS
        ]
        lines = [*why, *criterion.notes]
        message = xml_text(lines[0]) if lines else str(criterion.verdict)
        element = ET.SubElement(case, tag, message=message, type=str(criterion.verdict))
        losses = [loss_line(loss) for loss in document.losses[:50]]
        element.text = xml_text("\n".join([*lines, *losses, f"reproduce: {document.reproduce}"]))


def xml_text(text: str) -> str:
    """``text`` without the characters that XML 1.0 cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
