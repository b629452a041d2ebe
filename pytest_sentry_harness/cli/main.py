"""``sentry-harness``: the command line."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from .. import __version__
from ..model.verdict import EXIT_CODES, EXIT_INTERRUPTED, EXIT_USAGE, Verdict

if TYPE_CHECKING:
    import click


def main() -> int:
    """Entry point of the console script; returns the exit code."""
    try:
        import click
        import rich  # noqa: F401 - asked for here, so that its absence is explained here
    except ImportError as error:
        print(
            f"sentry-harness: {error.name} is not installed; the command line needs the gate extra\n"
            "  hint: pip install 'pytest-sentry-harness[gate]'",
            file=sys.stderr,
        )
        return EXIT_USAGE
    group = build()
    try:
        result = group.main(prog_name="sentry-harness", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        print("sentry-harness: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except OSError as error:
        print(f"sentry-harness: {_where(error)}{error.strerror or error}", file=sys.stderr)
        return EXIT_CODES[Verdict.ERROR]
    except Exception:  # noqa: BLE001 - a defect of ours must not look like a verdict, whatever it is
        traceback.print_exc()
        print("sentry-harness: the harness itself broke; please report this", file=sys.stderr)
        return EXIT_CODES[Verdict.ERROR]
    return result if isinstance(result, int) else 0


def _where(error: OSError) -> str:
    return f"{error.filename}: " if error.filename else ""


def build() -> click.Group:
    """All commands, each with its options and help in a module of ``commands``."""
    import click

    from .lazy import LazyGroup

    def group() -> None:
        """Prove that an application's Sentry monitoring works: inject faults, receive what the SDK
        really sends, account for every one.
        """

    decorate = click.group(
        cls=LazyGroup,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Exit codes: 0 pass, 10 fail, 11 inconclusive, 12 the harness broke, 2 usage.",
    )
    return decorate(click.version_option(__version__, prog_name="sentry-harness")(group))
