"""The embedded server: ingest as Sentry does it, and a control API for the harness."""
