"""The tables that ledger and arrivals are joined in.

What many rows have in common is written once, in a table of kinds (``kinds.py``): a million rows of six columns go
in faster than of twelve, and take less memory. The views put the two together, for questions about single rows.
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE intent (fault_id TEXT, fault TEXT, trace_id TEXT, at REAL);
CREATE TABLE answered (fault_id TEXT, status INTEGER, error TEXT);
CREATE TABLE fired (
    fault_id TEXT, trace_id TEXT, at REAL, message TEXT, process INTEGER, kind INTEGER);
CREATE TABLE fired_kind (
    kind INTEGER PRIMARY KEY, fault TEXT, point TEXT, effect TEXT, exception TEXT, is_error INTEGER, main INTEGER,
    task INTEGER);
CREATE TABLE fate (fault_id TEXT, handling TEXT, place TEXT, alive INTEGER, marks TEXT);
CREATE TABLE handled (fault_id TEXT, record TEXT);
CREATE TABLE logged (fault_id TEXT, record TEXT);
CREATE TABLE saw (
    fault_id TEXT, event_id TEXT, position INTEGER, mono REAL, process INTEGER, kind INTEGER);
CREATE TABLE saw_kind (
    kind INTEGER PRIMARY KEY, mechanism TEXT, logger TEXT, exception TEXT, changed TEXT, changed_by TEXT,
    changed_at TEXT);
CREATE TABLE same_id (fault_id TEXT, event_id TEXT, culprit TEXT, place TEXT);
CREATE TABLE dropped (
    fault_id TEXT, event_id TEXT, stage TEXT, reason TEXT, culprit TEXT, place TEXT, error TEXT);
CREATE TABLE discarded (event_id TEXT, reason TEXT, detail TEXT, mono REAL);
CREATE TABLE told (
    event_id TEXT, mono REAL, process INTEGER, status INTEGER, host TEXT, via TEXT, limits TEXT, error TEXT,
    trouble TEXT, reused INTEGER, seconds REAL);
CREATE TABLE handed (event_id TEXT, mono REAL, why TEXT, taker TEXT, place TEXT, error TEXT);
CREATE TABLE arrival (
    event_id TEXT, trace_id TEXT, outcome TEXT, at REAL, mono REAL, texts TEXT, kind INTEGER);
CREATE TABLE arrival_kind (
    kind INTEGER PRIMARY KEY, reason TEXT, level TEXT, exceptions TEXT, status INTEGER, mechanism TEXT, item TEXT);
CREATE TABLE mention (event_id TEXT, part TEXT, trace_id TEXT);
"""
# CROSS JOIN: SQLite is to look at the row first, and then up its kind.
VIEWS = """
CREATE VIEW fired_in_full AS
    SELECT f.rowid AS row, fault_id, fault, trace_id, at, message, process, point, effect, exception, is_error, main, task
    FROM fired f CROSS JOIN fired_kind k ON k.kind = f.kind;
CREATE VIEW saw_in_full AS
    SELECT s.rowid AS row, fault_id, event_id, position, mono, process, mechanism, logger, exception,
           changed, changed_by, changed_at
    FROM saw s CROSS JOIN saw_kind k ON k.kind = s.kind;
CREATE VIEW arrival_in_full AS
    SELECT event_id, trace_id, outcome, at, mono, texts, reason, level, exceptions, status, mechanism, item
    FROM arrival a CROSS JOIN arrival_kind k ON k.kind = a.kind;
"""
INDEXES = """
CREATE INDEX intent_fault ON intent (fault_id);
CREATE INDEX intent_trace ON intent (trace_id);
CREATE INDEX mention_event ON mention (event_id);
CREATE INDEX answered_fault ON answered (fault_id);
CREATE INDEX fired_fault ON fired (fault_id);
CREATE INDEX fate_fault ON fate (fault_id);
CREATE INDEX handled_fault ON handled (fault_id);
CREATE INDEX logged_fault ON logged (fault_id);
CREATE INDEX saw_fault ON saw (fault_id, position, event_id);
CREATE INDEX saw_event ON saw (event_id, fault_id, position);
CREATE INDEX dropped_fault ON dropped (fault_id);
CREATE INDEX discarded_event ON discarded (event_id);
CREATE INDEX told_event ON told (event_id);
CREATE INDEX handed_event ON handed (event_id);
CREATE INDEX arrival_event ON arrival (event_id, outcome, at, kind, trace_id);
CREATE INDEX arrival_trace ON arrival (trace_id);
"""
"""Built once, when all rows are in: an index kept while loading costs ten times as much."""
TRACE_INDEX = "CREATE INDEX IF NOT EXISTS fired_trace ON fired (trace_id, fault_id, kind)"
"""For the few who ask for faults by trace; built when the first of them does."""
