"""A run, stage by stage. Read run.py first."""
