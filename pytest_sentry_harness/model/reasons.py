"""The words by which losses and findings are explained, and which a scenario may name as what must be found."""

from __future__ import annotations

_PROCESS = """
    base_exception before_send callback_error client_closed custom_transport cut_off cut_short dedupe event_processor
    excepthook_replaced handled_by_framework ignored integration_off integration_refused internal_sdk_error late_init
    logged_not_reported logged_without_exception lost_at_exit no_dsn not_initialised not_seen_by_sdk overridden_init
    sample_rate spotlight_only swallowed transport_error
"""
"""What happens in the target's processes."""
_WAY = """
    broken_answer connection_refused connection_reset interrupted lost_after_200 name_not_resolved network_error
    proxy_failed queue_overflow rate_limited ratelimit_backoff redirected refused server_error timed_out tls_failed
    too_large
"""
"""What happens between the SDK and Sentry."""
_SERVER = """
    auth auth_mismatch auth_missing duplicate invalid key_disabled key_unknown malformed media_type method no_endpoint
    project_disabled project_unknown unknown_key
"""
"""Why the embedded server did not take something."""
_REPORTED = "backpressure buffer_overflow cache_overflow insufficient_data no_parent_span send_error"
"""What SDKs say in client reports besides (Sentry developer docs, Client Reports)."""
_WRONG = """
    data_of_another_request no_event no_event_expected not_in_the_event nothing_arrived reported_twice retried
    same_event_id trace_lost trace_of_another_request
"""
"""What is wrong with what arrived, or all that is known."""
_TIMING = """
    fewer_spans_than_calls max_spans method_head method_options more_spans_than_calls no_such_span other_route
    outside_of_requests reported_long reported_short sampled_against_rand starts_off traces_sampler tracing_off
    unexplained wrong_unit
"""
"""What is wrong with what is told of time."""
_SLOW = """
    no_integration no_line no_query_span no_request no_source_query no_span no_transaction not_declared not_on_top
    outside_transaction query_cut_off too_few_spans too_quick wrong_line wrong_route wrong_span
"""
"""What is wrong with how slow operations are told."""
_NOISE = """
    differs_in_fingerprint differs_in_stack differs_in_text hides_another_error nothing_to_tell_apart
    reported_differently same_fingerprint same_stack same_text wrong_category wrong_severity
"""
"""What is wrong with how events are grouped and classified."""
_OBJECTIVES = """
    no_sessions not_reported other_requests reported_bad reported_good requests_failed requests_slow
"""
"""Why an objective is broken, or shown otherwise than it is."""
_DASHBOARDS = """
    behind counts_others differs left_out misspelt_field never_arrived never_occurs no_such_row not_evaluated not_valid
    outside_window tolerance_too_wide wrong_environment wrong_type wrong_value
"""
"""What is wrong with the widgets of dashboards."""
_ALERTING = """
    already_open before_any_incident condition_false event_of_no_fault filter_false frequency issue_archived
    issue_known_before late_capture late_decision late_ingestion late_receiving late_sending lesser_status muted
    no_receipt no_route not_captured not_decided_in_time not_delivered_in_time not_in_figure not_seen_in_time
    other_channel quiet_hours receiver_failed tells_nobody
    repeated_by_the_rule retried_though_taken rule_disabled rule_not_expected split suppressed_as_duplicate threshold
    throttled
"""
"""Why an alert was not delivered, or late, or one too many."""
REASONS = frozenset(
    " ".join(
        (
            _PROCESS,
            _WAY,
            _SERVER,
            _REPORTED,
            _WRONG,
            _TIMING,
            _SLOW,
            _NOISE,
            _OBJECTIVES,
            _DASHBOARDS,
            _ALERTING,
        )
    ).split()
)
_PREFIXES = ("misbehaviour:",)
"""The rest says which rule of the link it was."""


def unknown_reason(reason: str) -> str | None:
    """The part of ``reason`` (``a or b``) that nothing is ever explained by; None when all are known."""
    for part in reason.split(" or "):
        if part not in REASONS and not part.startswith(_PREFIXES):
            return part
    return None
