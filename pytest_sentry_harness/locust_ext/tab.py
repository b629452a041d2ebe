"""A tab "Sentry" in Locust's web page: the run as it stands, beside Locust's own numbers.

Locust's page shows the tables that ``template_args`` name, with the rows that come along with its statistics, as
its documentation describes for extensions. The page draws them as text, so nothing in them is taken for markup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request
from jinja2.utils import htmlsafe_json_dumps

from ..model.live import Live
from ..report.live import live_rows

KEY = "sentry"
PATH = "/sentry-harness/live"
_STATISTICS = "/stats/requests"
_MOST_LOSSES = 50
_MOST_CHARACTERS = 300


def add_tab(web_ui: Any, look: Callable[[], Live]) -> None:
    """Add the tab to ``web_ui`` before it is started; ``look`` says how the run stands."""
    args = web_ui.template_args
    table = {
        "key": KEY,
        # No column is called "name": Locust would sort the rows by it.
        "structure": [{"key": "figure", "title": "So far"}, {"key": "value", "title": "Value"}],
    }
    args["extended_tabs"] = [*args.get("extended_tabs", ()), {"title": "Sentry", "key": KEY}]
    args["extended_tables"] = [*args.get("extended_tables", ()), table]

    @web_ui.app.route((web_ui.environment.parsed_options.web_base_path or "") + PATH)  # type: ignore[untyped-decorator]
    @web_ui.auth_required_if_enabled  # type: ignore[untyped-decorator]
    def live() -> Response:
        return jsonify(rows=_rows(look()))

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def add_rows(response: Response) -> Response:
        if request.path.endswith(_STATISTICS) and response.status_code == 200 and response.is_json:
            document = response.get_json()
            # Locust keeps an answer for a while and gives it again: then ours are in it already.
            others = [each for each in document.get("extended_stats", ()) if each.get("key") != KEY]
            document["extended_stats"] = [*others, {"key": KEY, "data": _rows(look())}]
            # Escaped, so that it is harmless even where it is taken for a page.
            response.set_data(str(htmlsafe_json_dumps(document)))
        elif request.path.endswith(PATH) and response.is_json:
            response.set_data(str(htmlsafe_json_dumps(response.get_json())))
        return response


def _rows(live: Live) -> list[dict[str, str]]:
    return [
        {"figure": figure[:_MOST_CHARACTERS], "value": value[:_MOST_CHARACTERS]}
        for figure, value in live_rows(live, _MOST_LOSSES)
    ]
