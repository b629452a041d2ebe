"""Examines how a command has set up its Sentry SDK.

``observation`` starts server and agent for it, ``inside`` runs in the command's processes, ``checkup`` goes
through the stages, ``gather`` reads what was written, and ``rules`` turn the evidence into findings.
"""
