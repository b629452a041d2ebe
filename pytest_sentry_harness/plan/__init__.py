"""Scenario text to validated plan to seeded time line, and the fault-term grammar."""
