"""Dashboards in Sentry's JSON: read, written, evaluated over rows, and checked for what they show.

Sentry docs, "Custom Dashboards" and the API reference, "Create a New Dashboard for an Organization".
"""

from __future__ import annotations

from .asked import asked_of
from .check import check_dashboard
from .evaluation import Rows, evaluate
from .exporting import dashboard_document, dashboard_json
from .importing import dashboard_from, load_dashboard, parse_dashboard
from .model import Dashboard, Finding, Layout, Query, Refused, Shown, ShownRow, Widget, WidgetReport
from .templates import TEMPLATES, template

__all__ = [
    "TEMPLATES",
    "Dashboard",
    "Finding",
    "Layout",
    "Query",
    "Refused",
    "Rows",
    "Shown",
    "ShownRow",
    "Widget",
    "WidgetReport",
    "asked_of",
    "check_dashboard",
    "dashboard_document",
    "dashboard_from",
    "dashboard_json",
    "evaluate",
    "load_dashboard",
    "parse_dashboard",
    "template",
]
