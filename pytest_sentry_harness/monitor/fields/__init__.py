"""The fields of events, transactions, spans, sessions and issues, by Sentry's names.

Sentry docs, "Searchable Properties". ``row("transaction.duration")`` gives the values of a field: none when it is
missing, several for a list such as ``error.type``. What is no known field is looked up among the tags.
"""

from __future__ import annotations

from .catalogue import (
    KINDS,
    ONLY_VALUES,
    STATUSES_THAT_ARE_NO_FAILURE,
    FieldType,
    Kind,
    field_type,
    known_fields,
    pseudo_field,
    tag_name,
)
from .events import fields_of_event
from .issues import ISSUE_STATUSES, fields_of_issue
from .kept import Joined, KeptRows
from .reading import Fields, Row, first_text, is_number, number_of, text_of
from .sessions import fields_of_session, session_rows
from .spans import fields_of_span, span_rows
from .transactions import fields_of_transaction

__all__ = [
    "ISSUE_STATUSES",
    "KINDS",
    "ONLY_VALUES",
    "STATUSES_THAT_ARE_NO_FAILURE",
    "FieldType",
    "Fields",
    "Joined",
    "KeptRows",
    "Kind",
    "Row",
    "field_type",
    "fields_of_event",
    "fields_of_issue",
    "fields_of_session",
    "fields_of_span",
    "fields_of_transaction",
    "first_text",
    "is_number",
    "known_fields",
    "number_of",
    "pseudo_field",
    "session_rows",
    "span_rows",
    "tag_name",
    "text_of",
]
