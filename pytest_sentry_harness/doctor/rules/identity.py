"""Rules about release and environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..evidence import ABSENT, Evidence
from ..finding import Finding, Rule, Severity
from .words import in_force

_PLACEHOLDER = re.compile(
    r"""^(?:unknown|undefined|none|null|n/?a|latest|head|main|master|dev|development|todo|changeme|version|release
    |x\.y\.z|0\.0\.0(?:[.+-].*)?|.*(?:\$\{?\w+\}?|\{\{?.*\}?\}|%\(?\w+\)?s?|<\w+>).*|.*@(?:unknown|none|latest|dev|0\.0\.0)?)$""",
    re.IGNORECASE | re.VERBOSE,
)
_REVISION = re.compile(r"^[0-9a-f]{40}$")
_UNCLEAR_ENVIRONMENTS = frozenset(
    {"", "unknown", "none", "null", "undefined", "default", "env", "environment"}
)


def release_missing(evidence: Evidence) -> Finding | None:
    """There is no release."""
    if evidence.option("release") not in (None, ""):
        return None
    return Finding(
        severity=Severity.WARNING,
        what="release is missing",
        why="no regression can be told from an old error, no deploy is connected with its errors, and session "
        "health is not computed",
        evidence=f"{in_force(evidence)}: release={evidence.option('release')!r}, and SENTRY_RELEASE is "
        + ("set" if "SENTRY_RELEASE" in evidence.environment else "not set"),
        change="set SENTRY_RELEASE=name@version when the image is built, or give init release=",
    )


def release_placeholder(evidence: Evidence) -> Finding | None:
    """The release is a word that stands for one."""
    release = evidence.option("release")
    if not isinstance(release, str) or not release or not _PLACEHOLDER.match(release.strip()):
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"release={release!r} is a placeholder",
        why="all versions are one release then: regressions and bad deploys cannot be seen",
        evidence=in_force(evidence),
        change="fill it in when the image is built, as name@version",
    )


def release_guessed(evidence: Evidence) -> Finding | None:
    """The SDK took the release from git."""
    release = evidence.option("release")
    init = evidence.init
    if (
        init is None
        or init.given is None
        or "release" in init.given
        or "SENTRY_RELEASE" in evidence.environment
    ):
        return None
    if not isinstance(release, str) or not _REVISION.match(release):
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"release={release[:12]}... was guessed from git",
        why="where the code runs without its .git folder, in most containers, there is no release at all",
        evidence="init was not given a release and SENTRY_RELEASE is not set; the value is the revision of the "
        "working directory here",
        change="set SENTRY_RELEASE=name@version when the image is built, or give init release=",
    )


def environment_missing(evidence: Evidence) -> Finding | None:
    """Nobody said which environment this is."""
    init = evidence.init
    environment = evidence.option("environment")
    if init is None or environment is ABSENT:
        return None
    said = init.given is None or "environment" in init.given or "SENTRY_ENVIRONMENT" in evidence.environment
    if said and environment is not None and str(environment).strip().lower() not in _UNCLEAR_ENVIRONMENTS:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"environment={environment!r}" + ("" if said else " is only the default"),
        why="errors of tests, staging and laptops are mixed with those of production, and set off its alerts",
        evidence=in_force(evidence)
        + (
            "" if said else "; neither init nor SENTRY_ENVIRONMENT gave one, and the SDK then says production"
        ),
        change="set SENTRY_ENVIRONMENT in every environment",
    )


RULES: Mapping[str, Rule] = {
    "release-missing": release_missing,
    "release-placeholder": release_placeholder,
    "release-guessed": release_guessed,
    "environment-missing": environment_missing,
}
