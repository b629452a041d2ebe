"""What runs inside the examined processes, beside the agent: survey, probes, and a DSN of ours for theirs.

Standard library and ``wrapt`` only. Nothing is changed in the application: the SDK's own public functions
are called, and what is learnt is written to one file per process (``notebook``).
"""
