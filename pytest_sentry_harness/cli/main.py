"""``sentry-harness``: the command line."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
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
    """The commands, with their options and help."""
    import click

    from .gate import gate_paths, judge_run_folder
    from .serve import serve_forever

    @click.group(
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Exit codes: 0 pass, 10 fail, 11 inconclusive, 12 the harness broke, 2 usage.",
    )
    @click.version_option(__version__, prog_name="sentry-harness")
    def group() -> None:
        """Prove that an application's Sentry monitoring works: inject faults, receive what the SDK
        really sends, account for every one.
        """

    @group.command()
    @click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCENARIO...")
    @click.option(
        "--seed", type=click.IntRange(min=0), help="Seed of the plan, instead of the scenario's own."
    )
    @click.option(
        "--runs",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where run folders are made.  [default: .sentry-harness/runs]",
    )
    @click.option(
        "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write JUnit XML here."
    )
    @click.option(
        "--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Also write Markdown here."
    )
    def gate(
        paths: tuple[Path, ...],
        seed: int | None,
        runs: Path | None,
        junit: Path | None,
        markdown: Path | None,
    ) -> int:
        """Run scenarios and judge them: the CI gate.

        SCENARIO is a scenario file, or a folder whose *.toml files are run one after the other (not
        those of folders within it). The worst verdict is the exit code.

        \b
        sentry-harness gate scenarios/capture.toml
        sentry-harness gate scenarios/ --junit junit.xml --markdown "$GITHUB_STEP_SUMMARY"
        """  # noqa: D301 - click reads the backslash as "keep these lines"
        return gate_paths(paths, seed=seed, runs=runs, junit=junit, markdown=markdown)

    @group.command()
    @click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
    def judge(run: Path) -> int:
        """Judge a finished run again, from its folder alone.

        RUN is a folder under .sentry-harness/runs. Its run.json, junit.xml and summary.md are written
        anew; they come out the same wherever the folder lies.
        """
        return judge_run_folder(run)

    @group.command()
    @click.option(
        "--store",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the store; continued when it holds one.  [default: .sentry-harness/store]",
    )
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option(
        "--port",
        default=0,
        show_default=True,
        type=click.IntRange(0, 65535),
        help="Port; 0 takes a free one.",
    )
    @click.option("--allow-remote", is_flag=True, help="Permit a host that other machines can reach.")
    @click.option(
        "--parent-pipe",
        is_flag=True,
        help="End when standard input reaches its end, that is, with the parent process.",
    )
    def serve(store: Path | None, host: str, port: int, allow_remote: bool, parent_pipe: bool) -> int:
        """Run the embedded server until SIGINT or SIGTERM.

        Prints one JSON line when it is ready: its URL, and the token of its control API. Ask that API
        for a project to get a DSN.
        """
        return serve_forever(
            store=store, host=host, port=port, allow_remote=allow_remote, parent_pipe=parent_pipe
        )

    return group
