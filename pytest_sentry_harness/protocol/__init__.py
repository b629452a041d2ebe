"""Sentry's wire protocol: bytes to model and back. Pure; each module names the section it follows."""
