"""The command line, sentry-harness."""
