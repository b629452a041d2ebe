"""Sentences about losses and points, shared by all reports."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..model.ledger import Place
from .document import Example, Finding, Loss, Point

# C0 and C1 controls but tab and newline, and Unicode's bidirectional controls (Unicode Annex 9).
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_ADVICE: dict[str, str] = {
    "queue_overflow": "raise transport_queue_size above the largest burst",
    "before_send": "make the hook return the event on every path it should keep",
    "callback_error": "make the hook survive events without the key or value it reads",
    "event_processor": "make the processor return the event on every path it should keep",
    "dedupe": "raise a fresh exception object each time",
    "ignored": "narrow ignore_errors",
    "same_event_id": "leave event_id alone in hooks, and return the event that was given",
    "not_in_the_event": "leave the exceptions in the event; raise ... from the error, not from None",
    "sample_rate": "set sample_rate to 1.0 for errors",
    "swallowed": "report it there with sentry_sdk.capture_exception(), or let it go on",
    "no_dsn": "give sentry_sdk.init a DSN in this environment",
    "not_initialised": "call sentry_sdk.init before the application starts",
    "not_seen_by_sdk": "enable the integration for this framework, or capture it there",
    "network_error": "look at the server's answer and at the network between",
    "ratelimit_backoff": "raise the quota, or send less; let limits name their categories",
    "rate_limited": "raise the quota, or send less; let limits name their categories",
    "too_large": "limit what goes into an event: locals, attachments, max_value_length, request bodies",
    "refused": "correct DSN, key and project; the server says what it minds",
    "server_error": "send to a relay nearby that takes everything and tries again: the SDK does not",
    "redirected": "put the final address into the DSN: scheme, host and path",
    "connection_refused": "correct host and port in the DSN, or start what should listen there",
    "connection_reset": "let proxies keep idle connections open longer than anybody leaves them idle",
    "timed_out": "send to a relay nearby that answers at once",
    "name_not_resolved": "correct the host in the DSN, or the name service of the container",
    "tls_failed": "correct the scheme in the DSN, or the certificates (ca_certs)",
    "proxy_failed": "correct or remove the proxy: http_proxy, https_proxy, no_proxy",
    "interrupted": "flush before what interrupts it: await close_async() before the event loop ends",
    "broken_answer": "look at what listens there: it does not speak HTTP, or is cut off",
    "lost_after_200": "look behind what answered: relay, queue and consumers of your Sentry",
    "custom_transport": "look into the transport: the SDK gave it the event",
    "transport_error": "make the transport survive, and keep what it cannot send",
    "client_closed": "close the client at the very end, and use it no more",
    "spotlight_only": "give sentry_sdk.init a DSN as well",
    "cut_off": "point the DSN at the harness, or allow the host in the scenario",
    "no_sessions": "call sentry_sdk.flush() when the service shuts down, or run for more than 60 s: SDKs send sessions once a minute",
    "not_reported": "drop and sample transactions blindly, not by their outcome or route; see that tracing is on",
    "reported_good": "look before the service: gateway, load balancer; set the status of transactions",
    "reported_bad": "leave answers in the 400s out of the query: !transaction.status:not_found",
    "other_requests": "let the search say which transactions are meant",
    "no_event": "look at the SDK's debug log: was it handed the error, and did a hook or its end lose it?",
    "nothing_arrived": "compare the service's DSN with the run's, and see whether its SDK is initialised",
    "lost_at_exit": "call sentry_sdk.flush() on shutdown, and stop with a signal that runs it",
    "unknown_key": "correct the DSN's public key",
    "late_init": "call sentry_sdk.init before application, handlers and threads are made",
    "overridden_init": "let one place initialise the SDK, and keep libraries from doing it",
    "integration_off": "leave the integration on, or report by hand what it would have",
    "integration_refused": "use versions of SDK and library that support each other",
    "handled_by_framework": "report inside the handler with sentry_sdk.capture_exception()",
    "excepthook_replaced": "call the hook that was there before, or set yours before sentry_sdk.init",
    "base_exception": "raise an Exception for failures, or report it where it is caught",
    "logged_without_exception": "log it with logger.exception(), or with exc_info",
    "logged_not_reported": "let the SDK make events of this logger, or report by hand",
    "internal_sdk_error": "return an event from every hook; keep what cannot be shown out of it",
    "reported_twice": "report once, in the outermost place that knows what it means",
    "retried": "report when you give up, and not each attempt",
    "trace_lost": "let the context go along: continue_trace() with the sender's headers, or copy_context()",
    "trace_of_another_request": "start threads that serve many requests before the first, and isolate each job",
    "reported_long": "end the span where the work ends, and put it around that work alone",
    "reported_short": "put the span around the whole of the work, and around that work",
    "wrong_unit": "give start and end in seconds since 1970",
    "starts_off": "keep the clocks of hosts and containers in step; give explicit times in UTC",
    "sampled_against_rand": "return a rate from traces_sampler and let the SDK decide; throw no dice there",
    "no_such_span": "enable the integration for this library, or start a span by hand",
    "max_spans": "raise max_spans, or make fewer spans a transaction",
    "more_spans_than_calls": "narrow op, description or route of the operation",
    "fewer_spans_than_calls": "enable the integration for this library, and see whether max_spans cuts",
    "other_route": "let the same decision hold for the whole trace; see whether route fits the transaction's name",
    "tracing_off": "set traces_sample_rate",
    "wrong_span": "put the span around the call that does the work, and end it after that",
    "no_span": "enable the integration for this library, or start a span by hand",
    "wrong_route": "look for what renames transactions: before_send_transaction, transaction_style, set_transaction_name",
    "outside_transaction": "start a transaction for work that goes on when the request is over",
    "no_transaction": "set traces_sample_rate, and see whether transactions are lost on their way",
    "no_integration": "start a span by hand",
    "no_line": "set db_query_source_threshold_ms to 0, and leave enable_db_query_source on",
    "wrong_line": "say which code is yours with in_app_include and project_root",
    "no_query_span": "enable the integration for this library",
    "too_few_spans": "raise max_spans, and see whether other queries run in between",
    "not_declared": "ask once instead of once for each row, or declare them in [[profiling.n_plus_one]]",
    "not_on_top": "say which code is yours with in_app_include and in_app_exclude",
    "same_stack": "raise an error of its own type for each cause, or let a stack trace rule leave the helper out: function:helper -group",
    "same_text": "send the exception with its stack trace, or say in the text what differs",
    "same_fingerprint": "put {{ default }} into the fingerprint, or what tells the causes apart",
    "hides_another_error": "put {{ default }} into the fingerprint, or let the rule match that one failure alone",
    "nothing_to_tell_apart": "send the exception, or a message",
    "differs_in_fingerprint": "leave what differs from event to event out of the fingerprint",
    "differs_in_text": "log a template with arguments, or write a fingerprint rule for the text",
    "differs_in_stack": "let a stack trace rule leave out the frames that differ: module:... -group",
    "reported_differently": "report it once, in one place and in one way",
    "not_captured": "see what lost its events: an alert is no better than the event it is about",
    "not_seen_in_time": "raise patience, or let the SDK send sooner",
    "rule_disabled": "switch the rule on, or expect another one",
    "issue_archived": "archive until a condition is met, and what is meant alone",
    "issue_known_before": "tell the root causes apart by a fingerprint, or use a rule that counts",
    "condition_false": "change the condition, or what the service sends",
    "filter_false": "send what the filter asks for: environment, level, tags",
    "threshold": "lower the threshold, or widen the window",
    "split": "group them into one issue, or count with a metric rule",
    "frequency": "lower the rule's frequency, or split the issue",
    "already_open": "let it resolve sooner, or give each failure a rule of its own",
    "not_decided_in_time": "raise patience above the time between two decisions",
    "tells_nobody": "give the rule an action, or switch one on",
    "no_route": "let the last route match everything",
    "other_channel": "let a route send it there, or expect it elsewhere",
    "lesser_status": "lower the threshold of the graver status, or expect less",
    "muted": "give the suppression an end, and let it name the issue",
    "quiet_hours": "leave grave alerts out of quiet hours",
    "suppressed_as_duplicate": "add what tells them apart to deduplicate_by",
    "throttled": "send less, or give grave alerts a channel of their own",
    "receiver_failed": "repair the receiver, and escalate over another way",
    "not_delivered_in_time": "repair the receiver; shorten timeout and pauses",
    "late_capture": "let the SDK send sooner",
    "late_decision": "lower the threshold, or use an issue rule: metric rules decide once a minute",
    "late_sending": "repair the receiver; shorten timeout, pauses and retry.longest",
    "retried_though_taken": "raise timeout above what the receiver takes to answer",
    "repeated_by_the_rule": "raise the rule's frequency, or deduplicate in the route",
    "event_of_no_fault": "repair what it is about, or filter it out",
    "rule_not_expected": "narrow the rule, or name it in expect.alerts",
    "before_any_incident": "raise the threshold above what is usual",
    "not_in_figure": "raise the threshold above what is usual, or narrow the rule to what it is to tell of",
    "wrong_category": "write a rule of classification, or raise the error that says what it is",
    "wrong_severity": "send it with the level it has, or write a rule of classification",
    "behind": "keep the clocks of hosts and containers in step, and look for what holds items back on their way",
    "counts_others": "narrow the widget's conditions or its dataset to what its title says",
    "left_out": "look at the widget's conditions, dataset, environment and window",
    "misspelt_field": "write the field, or the tag, as it is sent",
    "never_arrived": "look why it was not sent: sampling, hooks, rate limits; other criteria say more",
    "never_occurs": "send the field, or take the widget out",
    "not_evaluated": "look at it in Sentry",
    "tolerance_too_wide": "write a smaller within: this one takes a widget that shows nothing",
    "no_such_row": "see what is sent in that field now",
    "not_valid": "correct the widget; its API takes what the page cannot show",
    "outside_window": "let the window end now, and keep clocks in step",
    "wrong_environment": "give dashboard and service the same environment",
    "wrong_type": "use a function that fits the field, or another dataset",
    "wrong_value": "write the value as it is sent",
    "data_of_another_request": "set it on the isolation scope of the request, and isolate each job",
}


def advice(reason: str) -> str:
    """What to change for a reason, or for each of several; empty when nothing general can be said."""
    return "; ".join(text for each in reason.split(" or ") if (text := _ADVICE.get(each)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Losses of any fault that have one cause, as people look at them."""

    state: str
    reason: str
    source: str
    culprit: str
    place: Place | None
    could_be: tuple[str, ...]
    """What the evidence cannot tell apart: it was one of these."""
    count: int
    faults: tuple[tuple[str, int], ...]
    """Which faults were lost so, and how often; most frequent first."""
    example: Example


def by_cause(losses: Iterable[Loss]) -> list[Cause]:
    """The losses put together by state, reason and place; most frequent first."""
    groups: dict[tuple[object, ...], list[Loss]] = {}
    for loss in losses:
        key = (loss.state, loss.reason, loss.source, loss.culprit, loss.place, loss.could_be)
        groups.setdefault(key, []).append(loss)
    causes = [
        Cause(
            state=group[0].state,
            reason=group[0].reason,
            source=group[0].source,
            culprit=group[0].culprit,
            place=group[0].place,
            could_be=group[0].could_be,
            count=sum(loss.count for loss in group),
            faults=tuple((loss.fault, loss.count) for loss in group),
            example=group[0].example,
        )
        for group in groups.values()
    ]
    return sorted(causes, key=lambda cause: -cause.count)


def could_be_line(could_be: tuple[str, ...]) -> str:
    """What it could have been, in one line; empty when the cause is known."""
    if not could_be:
        return ""
    return "it was " + (
        could_be[0] if len(could_be) == 1 else f"{', '.join(could_be[:-1])} or {could_be[-1]}"
    )


def loss_line(loss: Loss) -> str:
    """One loss in one line of plain text."""
    parts = [f"{loss.count} x {loss.fault}: {loss.state.replace('_', ' ')}"]
    if loss.reason:
        parts.append(loss.reason)
    if loss.culprit:
        parts.append(loss.culprit)
    if loss.could_be:
        parts.append(could_be_line(loss.could_be))
    if loss.place is not None:
        parts.append(f"at {short_path(loss.place.file)}:{loss.place.line}")
    return ", ".join(parts) + f" (example {loss.example.fault_id})"


def finding_line(finding: Finding) -> str:
    """One finding in one line of plain text: what, how often, who, where, and what to do about it."""
    whose = f" {finding.fault}" if finding.fault else ""
    parts = [f"{finding.count} x{whose}: {finding.reason.replace('_', ' ')} ({finding.metric})"]
    if finding.culprit:
        parts.append(finding.culprit)
    if finding.place is not None:
        parts.append(f"at {short_path(finding.place.file)}:{finding.place.line}")
    hint = _finding_advice(finding)
    return ", ".join(parts) + (f"; {hint}" if hint else "")


def _finding_advice(finding: Finding) -> str:
    if (finding.metric, finding.reason) == ("capture.other_dropped", "sample_rate"):
        # Nobody promised more of these than their rate; errors are another matter.
        return "as their own rate promises: no defect; raise it to see more of them"
    if finding.metric.startswith("dashboards.") and finding.reason == "wrong_unit":
        return "write numbers in the unit of the field, and send units with measurements: durations are milliseconds"
    return advice(finding.reason)


def point_line(point: Point) -> str | None:
    """What is wrong with a fault point, or None when it was armed and reached."""
    head = f"fault {point.fault!r}: {point.point}"
    if point.state == "armed" and point.fired:
        if point.missed_names:
            return f"{head} is not reached through {', '.join(point.missed_names[:5])}"
        return None
    if point.state == "armed":
        return f"{head} is armed, and was never reached"
    near = f"; nearest: {', '.join(point.nearest)}" if point.nearest else ""
    why = f": {point.note}" if point.note else ""
    return f"{head} is {point.state}{why}{near}"


def printable(text: str) -> str:
    """``text`` without characters that steer a terminal or turn the direction of writing round."""
    return _STEERING.sub("\ufffd", text)


def short_path(path: str) -> str:
    """``path`` relative to the working directory when it lies below it."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative
