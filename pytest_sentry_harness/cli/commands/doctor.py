"""Options and help of ``doctor``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("doctor", context_settings={"allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Examine the [target] of this scenario file instead of CMD.",
)
@click.option("--twin", metavar="NAME", help="With --scenario: this twin of it.")
@click.option("--ready", metavar="PATH", help="CMD is a service; it is ready when PATH answers below 500.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="CMD is a service and listens on this port.  [default: a free port for {port}]",
)
@click.option(
    "--env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set this for CMD; placeholders are filled in. May be given several times.",
)
@click.option(
    "--burst",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many errors may come at once in the worst minute; the queue is held against it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1.0),
    default=30.0,
    show_default=True,
    help="Seconds to wait until a service is ready, or until a script ends before it is stopped.",
)
@click.option("--strict", is_flag=True, help="Warnings make the exit code 10, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep journals, what arrived and CMD's output in this folder.  [default: thrown away]",
)
def command(
    words: tuple[str, ...],
    scenario: Path | None,
    twin: str | None,
    ready: str | None,
    port: int | None,
    env: tuple[str, ...],
    burst: int,
    timeout: float,
    strict: bool,
    as_json: bool,
    keep: Path | None,
) -> int:
    """Examine how CMD has set up its Sentry SDK, and print what is risky.

    CMD is started with SENTRY_DSN set to an embedded server and with the agent inside. Its SDK options
    and integrations are read, one harmless fault of each kind is sent through the SDK, a few errors
    are handed over just before SIGTERM, and each finding says what it rests on and what to change.

    CMD is a service when it contains {port}, or with --port or --ready; else it is a script, which is
    examined when it ends by itself or after --timeout.

    Exit codes: 0 nothing risky, 10 something that loses errors (with --strict: anything), 11 nothing
    could be learnt, 12 the harness broke, 2 usage.

    \b
    sentry-harness doctor -- uvicorn shop.app:app --port {port}
    sentry-harness doctor --ready /health -- gunicorn -w 2 -b 127.0.0.1:{port} shop.wsgi
    sentry-harness doctor -- python nightly_job.py
    sentry-harness doctor --env DATABASE_URL=sqlite:///{run_dir}/db -- flask run -p {port}
    sentry-harness doctor --scenario scenarios/capture.toml --strict
    """  # noqa: D301 - click reads the backslash as "keep these lines"
    from ..doctor import DoctorRequest, examine_command

    request = DoctorRequest(
        words=words,
        scenario=scenario,
        twin=twin,
        ready=ready,
        port=port,
        env=env,
        burst=burst,
        timeout=timeout,
        keep=keep,
    )
    return examine_command(request, strict=strict, as_json=as_json)
