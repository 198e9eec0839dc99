"""The click group: commands by their names and aliases, shared flags on both sides of them."""

from __future__ import annotations

import importlib
from typing import Any, MutableMapping

import click

from boot2docker_py.cli import arguments
from boot2docker_py.cli.session import Session

ALIASES = {
    "start": "up",
    "boot": "up",
    "resume": "up",
    "suspend": "save",
    "stop": "down",
    "halt": "down",
    "destroy": "delete",
    "cfg": "config",
    "env": "shellinit",
    "socket": "shellinit",
}


class Command(click.Command):
    """A command that takes the shared flags too, and hands them to the session."""

    def __init__(self, *args: Any, shown: str = "", passes_words_on: bool = False, **more: Any):
        super().__init__(*args, **more)
        self._shown = frozenset(shown.split())
        self._passes_words_on = passes_words_on
        self._own = list(self.params)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters and the shared ones, which are made only when needed."""
        if len(self.params) == len(self._own) and not self._passes_words_on:
            self.params = [*self._own, *arguments.shared_options(self._shown)]
        return super().get_params(ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Give the shared flags to the session and the rest to the function."""
        session = ctx.ensure_object(Session)
        own = {parameter.name for parameter in self._own}
        session.take({k: v for k, v in ctx.params.items() if k not in own})
        ctx.params = {k: v for k, v in ctx.params.items() if k in own}
        return super().invoke(ctx)


# The modules whose commands register themselves with `app`. The first has the most frequent ones:
# the others are imported when a command is not found there.
MODULES = ("life", "doctor", "forward", "guest", "logs", "ports", "shell")


class Group(click.Group):
    """The commands; an unknown one is answered with the nearest."""

    command_class = Command

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """Return all commands by their names."""
        for module in MODULES:
            importlib.import_module(f"boot2docker_py.cli.commands.{module}")
        return self._registered

    @commands.setter
    def commands(self, commands: MutableMapping[str, click.Command]) -> None:
        self._registered = commands

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command that registers itself, without importing the others."""
        registered = name or cmd.name
        assert registered is not None
        self._registered[registered] = cmd

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name or alias."""
        name = ALIASES.get(cmd_name, cmd_name)
        importlib.import_module(f"boot2docker_py.cli.commands.{MODULES[0]}")
        return self._registered.get(name) or super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], [*self.commands, *ALIASES], n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"unknown command '{args[0]}'{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the aliases below the commands."""
        pairs = [(alias, f"the same as {name}") for alias, name in sorted(ALIASES.items())]
        with formatter.section("Aliases"):
            formatter.write_dl(pairs)
        super().format_epilog(ctx, formatter)


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=arguments.shared_options(),
    subcommand_metavar="COMMAND [ARGUMENT...]",
)
@click.pass_context
def app(context: click.Context, /, **flags: object) -> None:
    """Manage one small Linux VM that runs the Docker Engine.

    `boot2docker up`, and the ordinary docker client works. Options may stand before or after the
    command, but for ssh and shell, which pass all that follows them on.
    """
    context.ensure_object(Session).take(flags)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
