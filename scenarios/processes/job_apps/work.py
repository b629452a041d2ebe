"""The work all these workers and jobs do."""


def handle(number: int) -> int:
    """One piece of work: the fault point."""
    return 2 * number
