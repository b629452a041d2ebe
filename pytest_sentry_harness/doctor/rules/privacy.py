"""Rules about switches that send more than was meant."""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence import Evidence
from ..finding import Finding, Rule, Severity
from .words import in_force


def default_pii(evidence: Evidence) -> Finding | None:
    """Personal data is sent by the integrations."""
    if evidence.option("send_default_pii") is not True:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="send_default_pii=True",
        why="addresses, user names, cookies, request bodies and the like are sent with every event",
        evidence=in_force(evidence),
        change="leave it out, and add what you need (user id) by sentry_sdk.set_user; or scrub in before_send AND "
        "before_send_transaction",
    )


def bodies(evidence: Evidence) -> Finding | None:
    """Request bodies of any size are attached."""
    if evidence.option("max_request_body_size") != "always":
        return None
    return Finding(
        severity=Severity.WARNING,
        what="max_request_body_size='always'",
        why="whole request bodies go to Sentry: personal data, and events too large to be accepted (413)",
        evidence=in_force(evidence),
        change="leave it at 'medium', or set 'never' where bodies hold personal data",
    )


def local_variables(evidence: Evidence) -> Finding | None:
    """Local variables of every frame are sent."""
    if evidence.option("include_local_variables") is not True:
        return None
    return Finding(
        severity=Severity.INFO,
        what="include_local_variables=True",
        why="the scrubber knows secrets by the name of the variable only; tokens in others are sent, and large "
        "locals make events slow and big",
        evidence=in_force(evidence) + "; this is the SDK's default",
        change="include_local_variables=False for services that hold secrets, or an EventScrubber with your names",
    )


def no_scrubber(evidence: Evidence) -> Finding | None:
    """Nothing removes secrets by name."""
    if evidence.option("event_scrubber") is not None:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="event_scrubber is missing",
        why="nothing removes passwords, tokens and session cookies from events",
        evidence=in_force(evidence),
        change="event_scrubber=EventScrubber(), which is the default of current SDKs",
    )


RULES: Mapping[str, Rule] = {
    "sends-personal-data": default_pii,
    "sends-request-bodies": bodies,
    "sends-local-variables": local_variables,
    "no-scrubber": no_scrubber,
}
