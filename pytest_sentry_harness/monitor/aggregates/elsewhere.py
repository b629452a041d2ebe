"""Functions that Sentry has and that are not evaluated here: a widget with one of them is valid, and nothing is known of it.

Sentry docs, "Query Builder: functions", and its sources: ``AggregationKey`` of ``static/app/utils/fields``, the functions of
``src/sentry/search/events/datasets`` and of ``src/sentry/search/eap``.
"""

from __future__ import annotations

_NUMBERS = (
    "absolute_correlation absolute_delta avg_by_timestamp avg_compare avg_if avg_range compare_numeric_aggregate corr cov "
    "count_at_least count_by_timestamp count_range division division_if examples histogram identity latest_event "
    "linear_regression p25 percentile_range percentage_change random_number rounded_timestamp stddev stddev_if sum_if "
    "to_other unique_examples var variance_range"
)
_SAMPLES = (
    "avg_sample count_sample count_unique_sample p50_sample p50_if p75_if p90_if p95_if p99_if sample_count sample_epm "
    "sample_eps max_if min_if any_if"
)
_PERFORMANCE = (
    "cache_hit_rate cache_miss_rate count_op count_scores count_starts count_web_vitals ai_total_tokens_used "
    "http_error_count http_error_count_percentage http_error_rate http_response_count http_response_rate "
    "main_thread_count opportunity_score performance_score regression_score time_spent_percentage total_opportunity_score "
    "total_time_spent trace_status_rate ttfd_contribution_rate ttfd_count ttid_contribution_rate ttid_count "
    "user_misery_prototype weighted_performance_score web_vital_score"
)
_SESSIONS = (
    "abnormal_rate anr_rate crash_free_sessions crash_free_users errored_rate foreground_anr_rate unhandled_rate "
    "unhealthy_rate session_duration"
)
_METRICS = "per_minute per_second value"

ELSEWHERE = frozenset(" ".join((_NUMBERS, _SAMPLES, _PERFORMANCE, _SESSIONS, _METRICS)).split())
"""Their names."""
