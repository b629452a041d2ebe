"""Faults and a criterion for the shop."""
