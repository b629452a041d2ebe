"""Rules about where, when and how often the SDK is initialised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..evidence import Evidence
from ..finding import Finding, Rule, Severity
from .words import in_force, seen_at, version_of

_OLDEST = (2, 20)
_OLDEST_TEXT = "2.20"


def not_initialised(evidence: Evidence) -> Finding | None:
    """No process called ``sentry_sdk.init``."""
    if evidence.inits or not evidence.processes or evidence.broken:
        return None
    many = len(evidence.processes)
    return Finding(
        severity=Severity.ERROR,
        what="sentry_sdk.init was never called",
        why="without it no error is reported",
        evidence=f"{many} Python process{'es' if many > 1 else ''} ran under the agent, and none initialised the SDK",
        change="call sentry_sdk.init before the application is built, in every process that may fail",
    )


def without_init(evidence: Evidence) -> Finding | None:
    """Some processes initialise the SDK, others do not."""
    others = [
        process
        for process in evidence.processes
        if not (process.initialised or process.inherited or _HELPERS & set(" ".join(process.argv).split()))
    ]
    if not evidence.inits or not others or evidence.broken:
        return None
    using = [process for process in others if process.imported]
    shown = " ".join((using or others)[0].argv)
    return Finding(
        severity=Severity.WARNING if using else Severity.INFO,
        what=f"{len(others)} of {len(evidence.processes)} Python processes never initialise the SDK",
        why="each process needs sentry_sdk.init for itself; what fails in one without it is not reported",
        evidence=f"{len(using)} of them imported sentry_sdk; such as: {shown[:120]}",
        change="call sentry_sdk.init in every process that does work; managers that only start workers need none",
    )


_HELPERS = frozenset({"multiprocessing.resource_tracker", "multiprocessing.forkserver"})


def no_dsn(evidence: Evidence) -> Finding | None:
    """The SDK was initialised, but not told where to send."""
    init = evidence.init
    if init is None or init.active:
        return None
    lost = evidence.errors_sent - evidence.errors_arrived
    probes = f"; {lost} of {evidence.errors_sent} probe errors went nowhere" if evidence.errors_sent else ""
    return Finding(
        severity=Severity.ERROR,
        what="no DSN",
        why="the SDK is switched off: it takes every error and drops it, without a word",
        evidence=f"sentry_sdk.init at {seen_at(init.place)} had no DSN, "
        f"{'though SENTRY_DSN was set' if 'SENTRY_DSN' in evidence.environment else 'and SENTRY_DSN was empty'}"
        f"{probes}",
        change="set SENTRY_DSN in this environment, or give init the DSN; fail at start-up where it is missing",
        place=init.place,
    )


def own_dsn(evidence: Evidence) -> Finding | None:
    """The application decides itself where to send."""
    if not evidence.redirected:
        return None
    dsn, place = evidence.redirected[0]
    return Finding(
        severity=Severity.INFO,
        what=f"the DSN is the application's own: {dsn}",
        why="SENTRY_DSN does not decide, so tests and other environments may send to the wrong project",
        evidence=f"set at {seen_at(place)}; for this examination its events were answered here",
        change="leave the dsn out of init and set SENTRY_DSN, or read it from the environment",
        place=place,
    )


def repeated(evidence: Evidence) -> Finding | None:
    """One process initialised the SDK more than once."""
    by_process = Counter(init.pid for init in evidence.inits)
    pid, most = max(by_process.items(), key=lambda entry: entry[1], default=(0, 0))
    if most < 2:
        return None
    places = [init.place for init in evidence.inits if init.pid == pid]
    return Finding(
        severity=Severity.WARNING,
        what=f"sentry_sdk.init was called {most} times in one process",
        why="the last call wins, with all its options; what waited in the queue of the one before may be lost",
        evidence="called at " + ", then ".join(seen_at(place) for place in places),
        change="initialise once, in one place; look for a library that initialises the SDK for itself",
        place=places[-1],
    )


def late(evidence: Evidence) -> Finding | None:
    """Application objects existed before ``init``."""
    init = evidence.init
    if init is None or not init.applications:
        return None
    names = ", ".join(
        f"{count} {name}" if count > 1 else name for name, count in Counter(init.applications).items()
    )
    request = evidence.probe("request")
    severity, fate = Severity.WARNING, ""
    if request is not None and request.missing:
        severity, fate = Severity.ERROR, "; the probe error of a request did not arrive"
    elif request is not None:
        severity, fate = Severity.INFO, "; the probe error of a request arrived all the same"
    return Finding(
        severity=severity,
        what="sentry_sdk.init is called after the application was built",
        why="integrations change the framework while routes and middleware are added; what was added before is "
        "only partly covered",
        evidence=f"when {seen_at(init.place)} called init, there was already: {names}{fate}",
        change="call sentry_sdk.init first, before the application object is made",
        place=init.place,
    )


def old_sdk(evidence: Evidence) -> Finding | None:
    """An SDK that is older than what is maintained."""
    init = evidence.init
    if init is None:
        return None
    version = version_of(init.version)
    if not version or version >= _OLDEST:
        return None
    return Finding(
        severity=Severity.WARNING,
        what=f"sentry-sdk {init.version} is old",
        why=f"fixes for lost events are in later releases; the harness is tested with {_OLDEST_TEXT} and later",
        evidence=f"sentry_sdk.VERSION in process {init.pid}",
        change="pip install --upgrade sentry-sdk",
    )


def debug(evidence: Evidence) -> Finding | None:
    """The SDK prints what it does."""
    if evidence.option("debug") is not True:
        return None
    return Finding(
        severity=Severity.WARNING,
        what="debug=True",
        why="the SDK writes a line for each event and each request to stderr, also in production",
        evidence=in_force(evidence),
        change="leave debug out; set SENTRY_DEBUG=1 while you look for something",
    )


def forked(evidence: Evidence) -> Finding | None:
    """Processes use an SDK that their parent initialised."""
    children = [process for process in evidence.processes if process.inherited]
    if not children:
        return None
    sudden = [process for process in children if not process.orderly]
    return Finding(
        severity=Severity.WARNING if sudden else Severity.INFO,
        what="processes are forked after sentry_sdk.init and do not initialise it again",
        why="locks and half-sent batches are copied in whatever state they were in, and a child that ends by "
        "os._exit sends nothing it still holds",
        evidence=f"{len(children)} inherited the SDK, such as process {children[0].pid}; {len(sudden)} of them ended "
        "without running exit handlers",
        change="call sentry_sdk.init in each worker (gunicorn: post_fork, Celery: worker_process_init), and "
        "sentry_sdk.flush() at the end of its work",
    )


RULES: Mapping[str, Rule] = {
    "sdk-not-initialised": not_initialised,
    "process-without-init": without_init,
    "no-dsn": no_dsn,
    "own-dsn": own_dsn,
    "init-repeated": repeated,
    "init-late": late,
    "sdk-old": old_sdk,
    "debug-on": debug,
    "forked-without-init": forked,
}
