"""A group of commands that are imported when they are asked for."""

from __future__ import annotations

import importlib

import click

from .commands import MODULES


class LazyGroup(click.Group):
    """The commands of ``commands.MODULES``; a run of one command imports no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called ``cmd_name``; None when there is none."""
        return load(cmd_name) if cmd_name in MODULES else None


def load(name: str) -> click.Command:
    """The command called ``name``, which is one of ``MODULES``."""
    command: click.Command = importlib.import_module(MODULES[name], __package__).command
    return command
