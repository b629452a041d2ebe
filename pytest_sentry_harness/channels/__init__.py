"""Notifications on the wire: bodies, senders, the dispatcher that works through what is due, and receivers that take delivery."""
