"""The Locust extension: one call, attach(environment)."""
