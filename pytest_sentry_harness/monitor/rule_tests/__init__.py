"""Tests of alert rules on synthetic series, with a virtual clock: files, their running, and what came out."""
