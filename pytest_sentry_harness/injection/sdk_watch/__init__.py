"""Watches the Sentry SDK from outside, without changing what it does.

``watch`` installs everything; ``pipeline`` follows an event through the client, ``transport`` what the
transport discards, ``describe`` words options and callables. Written against sentry-sdk 2.20 to 2.75.
"""
