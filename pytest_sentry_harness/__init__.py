"""Prove that an application's Sentry monitoring works.

Importing this package costs nothing: every part is imported by the part that uses it.
"""

__version__ = "0.1.0"
