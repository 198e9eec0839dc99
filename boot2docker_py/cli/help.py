"""The pages of help: the first one, all commands, all options, one command."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from typing import Mapping, NamedTuple, Sequence

import click

from boot2docker_py.cli import terminal
from boot2docker_py.cli.summaries import SUMMARIES

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

EVERY_DAY = "Every day"
# Every command in the group that a user would look for it in.
GROUPS: Mapping[str, Sequence[str]] = {
    EVERY_DAY: ("up", "down", "status", "ssh", "shell", "docker", "shellinit", "cp", "ports"),
    "The VM": (
        "init",
        "set",
        "save",
        "restart",
        "reset",
        "snapshot",
        "poweroff",
        "delete",
        "info",
        "ip",
    ),
    "Many VMs": ("ls", "clone", "rename", "export", "import", "swarm"),
    "Images": ("images", "download", "upgrade", "rollback"),
    "Settings and help": ("config", "ssh-config", "autostart", "completion", "help", "version"),
    "When something is wrong": ("doctor", "logs", "console", "forward", "uninstall"),
}

INTRODUCTION = "One small Linux VM that runs the Docker Engine."
EXAMPLES = (
    ("boot2docker up", "make and start the VM; then docker works"),
    ("docker run hello-world", "the ordinary docker client"),
    ("boot2docker down", "shut it down; images and containers stay"),
)
MORE = "More: boot2docker help COMMAND, help all (each command in a line), help options"
# Of the shared options, by their names in click; the line below has them, and completion.
OFTEN = ("vm", "driver", "timeout_s", "as_json", "verbose", "help", "version")
WITH_EVERY_COMMAND = (
    "With any command: --vm --driver --timeout --json -v (boot2docker help options)"
)


class Words(NamedTuple):
    """What a command says of itself."""

    text: str
    examples: Sequence[str]


def words_of(docstring: str | None) -> Words:
    """Take the examples, and the aliases, which stand in a table, out of a command's docstring."""
    text = inspect.cleandoc(docstring or "")
    text, _, examples = text.partition("Example:")
    text = re.sub(r"\s*\bAlias(es)?: [^.]*\.", "", text)
    return Words(text.strip(), [line.strip() for line in examples.splitlines() if line.strip()])


def aliases_of(name: str | None) -> list[str]:
    """Return the other names of a command."""
    return [alias for alias, command in ALIASES.items() if command == name]


def first_page(columns: int | None = None) -> str:
    """Return what `boot2docker` alone says, on a screen of 24 lines with the next prompt."""
    width = _width(columns)
    lines = [INTRODUCTION]
    for example, meaning in EXAMPLES:
        lines += _filled(f"  {example:<25}{meaning}", width, indent=27)
    lines += ["", f"{EVERY_DAY}:"]
    for name in GROUPS[EVERY_DAY]:
        lines += _row(name, width)
    lines.append("")
    for group, names in GROUPS.items():
        if group != EVERY_DAY:
            lines += _filled(f"{group}: {', '.join(names)}", width, indent=2)
    return "\n".join([*lines, "", *_filled(MORE, width, indent=2)])


def all_commands(columns: int | None = None) -> str:
    """Return every command with its summary, in its group."""
    width = _width(columns)
    lines = []
    for group, names in GROUPS.items():
        lines += ["", f"{group}:"]
        for name in names:
            lines += _row(name, width)
    return "\n".join([*lines[1:], "", "What one of them does: boot2docker help COMMAND"])


def all_options(context: click.Context) -> str:
    """Return the options that go with every command, the settings among them."""
    from boot2docker_py.cli.arguments import shared_options

    formatter = context.make_formatter()
    formatter.write_text("Options, before or after any command. What follows ssh is not ours.")
    formatter.write_paragraph()
    records = [option.get_help_record(context) for option in shared_options()]
    formatter.write_dl([record for record in records if record])
    formatter.write_paragraph()
    formatter.write_text("Each is a profile key and a variable too: boot2docker config, docs.")
    return formatter.getvalue().rstrip("\n")


def _row(name: str, width: int) -> list[str]:
    others = aliases_of(name)
    also = f" (or {', '.join(others)})" if others else ""
    return _filled(f"  {name:<11} {SUMMARIES[name]}{also}", width, indent=14)


def _filled(text: str, width: int, *, indent: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)


def _width(columns: int | None) -> int:
    """Return how many letters a line has: none in the last column, behind which terminals wrap."""
    return min(80, columns or terminal.columns(sys.stdout)) - 1


def summary_of(command: click.Command) -> str:
    """Return the first sentence of a command's help, without its full stop."""
    return (command.help or "").partition("\n\n")[0].rstrip(".")


def help_in_a_line(option: click.Option) -> str:
    """Return what an option is for, up to the first full stop or semicolon."""
    return re.split(r"[.;](?:\s|$)", option.help or "")[0]


def names_in_lines(flags: Sequence[str], width: int) -> str:
    """Return the flags that a command's help only names."""
    text = f"Settings (boot2docker help options): {', '.join(flags)}."
    return textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write examples as they can be copied: never wrapped."""
    if examples:
        formatter.write_paragraph()
        formatter.write("Example:\n" if len(examples) == 1 else "Examples:\n")
        for example in examples:
            formatter.write(f"  {example}\n")
