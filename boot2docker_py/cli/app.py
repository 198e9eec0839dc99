"""The click group: commands by their names and aliases, shared flags on both sides of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, MutableMapping, Sequence

import click

from boot2docker_py import __version__
from boot2docker_py.cli import arguments, terminal
from boot2docker_py.cli.help import (
    ALIASES,
    GROUPS,
    OFTEN,
    WITH_EVERY_COMMAND,
    aliases_of,
    first_page,
    help_in_a_line,
    names_in_lines,
    words_of,
    write_examples,
)
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.summaries import SUMMARIES
from boot2docker_py.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERSION_WORDS = f"boot2docker_py version: v{__version__}"


ALL_WORDS_ARE_PASSED_ON = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}


class Command(click.Command):
    """A command that takes the shared flags too, and hands them to the session."""

    def __init__(
        self,
        *args: Any,
        shown: str = "",  # the settings that its help explains
        named: str = "",  # those that its help only names, as there are many
        passes_words_on: bool = False,
        **more: Any,
    ):
        words = words_of(more.get("help"))
        more["help"] = words.text
        if passes_words_on:
            more["context_settings"] = ALL_WORDS_ARE_PASSED_ON
        super().__init__(*args, **more)
        self.examples = words.examples
        self._shown = frozenset(shown.split())
        self._named = frozenset(named.split())
        self._passes_words_on = passes_words_on
        self._own = list(self.params)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters and the shared ones, which are made only when needed."""
        if len(self.params) == len(self._own) and not self._passes_words_on:
            self.params = [*self._own, *arguments.shared_options(self._shown)]
        return super().get_params(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show help for `--help` alone where all else is passed on; `-- --help` passes that on."""
        if self._passes_words_on and args in (["--help"], ["-h"]):
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what flags may come: its own, and of the others those that are begun."""
        if self._passes_words_on and ctx.args:
            return []
        offered = [one for one in self.get_params(ctx) if self._is_offered(one, incomplete)]
        return list(_flags(offered, incomplete))

    def _is_offered(self, one: click.Parameter, begun: str) -> bool:
        """Tell whether a flag comes to mind here; there are too many to show all of them."""
        is_shown = isinstance(one, click.Option) and not one.hidden
        return is_shown or one.name in self._named | set(OFTEN) or len(begun) > len("--x")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options that are explained here, and the names of others that matter."""
        super().format_options(ctx, formatter)
        named = [max(one.opts, key=len) for one in self.get_params(ctx) if one.name in self._named]
        if named:
            formatter.write(f"\n{names_in_lines(named, formatter.width)}\n")

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, the other names, and what goes with every command."""
        write_examples(formatter, self.examples)
        others = aliases_of(self.name)
        lines = [f"Also: {', '.join(others)}."] if others else []
        if not self._passes_words_on:
            lines += terminal.lines_of(WITH_EVERY_COMMAND, formatter.width)
        formatter.write("".join(f"\n{line}" for line in lines))

    def invoke(self, ctx: click.Context) -> Any:
        """Give the shared flags to the session and the rest to the function."""
        session = ctx.ensure_object(Session)
        own = {parameter.name for parameter in self._own}
        session.take({k: v for k, v in ctx.params.items() if k not in own})
        ctx.params = {k: v for k, v in ctx.params.items() if k in own}
        return super().invoke(ctx)


def _flags(offered: Iterable[click.Parameter], begun: str) -> Iterator[CompletionItem]:
    from click.shell_completion import CompletionItem

    for option in offered:
        if isinstance(option, click.Option):
            names = [*option.opts, *option.secondary_opts]
            for name in [name for name in names if name.startswith("--")] or names:
                if name.startswith(begun):
                    yield CompletionItem(name, help=help_in_a_line(option))


# The modules whose commands register themselves with `app`, and these commands. Only the module of
# the command that was typed is imported: all of them take a third of what a short command takes.
MODULES: Mapping[str, Sequence[str]] = {
    "life": (
        *("init", "up", "down", "poweroff", "restart", "save", "status", "info", "ip"),
        *("config", "delete", "help"),
    ),
    "autostart": ("autostart",),
    "completion": ("completion",),
    "console": ("console",),
    "copies": ("clone", "rename", "export", "import"),
    "docker": ("docker",),
    "doctor": ("doctor",),
    "forward": ("forward",),
    "guest": ("ssh", "ssh-config", "cp"),
    "images": ("images", "download", "upgrade", "rollback", "version"),
    "logs": ("logs",),
    "many": ("ls",),
    "ports": ("ports",),
    "resets": ("snapshot", "reset"),
    "settings": ("set",),
    "shell": ("shellinit", "shell"),
    "swarm": ("swarm",),
    "uninstall": ("uninstall",),
}
_MODULE_OF = {name: module for module, names in MODULES.items() for name in names}


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
        del ctx
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in _MODULE_OF:
            return None
        importlib.import_module(f"boot2docker_py.cli.commands.{_MODULE_OF[name]}")
        return self._registered[name]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from boot2docker_py.cli.usage import nearest

            hint = nearest(args[0], [*_MODULE_OF, *ALIASES], 0.5)
            raise UsageError(
                f"unknown command '{args[0]}'{hint}", resolution="boot2docker help all"
            )
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands in their order of use, or the flags that go before one."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            is_begun = len(incomplete) > len("--x")
            options = [one for one in self.get_params(ctx) if is_begun or one.name in OFTEN]
            return list(_flags(options, incomplete))
        ordered = [name for names in GROUPS.values() for name in names]
        begun = [name for name in ordered if name.startswith(incomplete)]
        aliases = [name for name in ALIASES if incomplete and name.startswith(incomplete)]
        return [
            CompletionItem(name, help=SUMMARIES[ALIASES.get(name, name)])
            for name in [*begun, *aliases]
        ]

    def get_help(self, _ctx: click.Context) -> str:
        """Return the first page; the options of all commands have a page of their own."""
        return first_page()


def _version_option() -> click.Option:
    def say(context: click.Context, _parameter: click.Parameter, is_wanted: bool) -> None:  # noqa: FBT001 - click calls it so
        if is_wanted:
            click.echo(VERSION_WORDS)
            context.exit()

    words = "Print the version of this program."
    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=say, help=words
    )


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[_version_option(), *arguments.shared_options()],
    subcommand_metavar="COMMAND [ARGUMENT...]",
)
@click.pass_context
def app(context: click.Context, /, **flags: object) -> None:
    """Manage one small Linux VM that runs the Docker Engine."""
    context.ensure_object(Session).take(flags)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
