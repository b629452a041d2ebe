"""The reference service with one planted defect each, to calibrate the harness with.

Each module keeps its own account of what it lost, independent of the harness: one JSON line for each
planted loss in the file that the environment variable ``PLANTED`` names.
"""
