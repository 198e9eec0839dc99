"""Flags as the original took them: before or after the command, `--flag=value` for switches too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Sequence

import click

from boot2docker_py.config.settings import OBSOLETE, SETTINGS, Obsolete, Setting
from boot2docker_py.config.values import FALSE_WORDS, TRUE_WORDS

# All that follows these commands is not ours.
PASSES_WORDS_ON = ("ssh", "shell", "docker", "--make")

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_OBSOLETE_PREFIX = "obsolete_"


def shared_options(shown: frozenset[str] | None = None) -> list[click.Parameter]:
    """Return new options for all settings; `shown` limits what the help lists, None lists all.

    All are accepted with every command, and listed where they matter.
    """
    options: list[click.Parameter] = [
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            default=None,
            hidden=shown is not None,
            help="Answer in JSON.",
        )
    ]
    for setting in SETTINGS:
        hidden = shown is not None and setting.field not in shown
        options.append(_option(setting, hidden=hidden))
    return [*options, *(_obsolete_option(o) for o in OBSOLETE if o.flag)]


def _option(setting: Setting, *, hidden: bool) -> click.Option:
    names = [setting.field, *setting.flags.split()]
    if not setting.metavar:
        names[1] = f"{setting.flag}/--no-{setting.flag[2:]}"
        return click.Option(names, default=None, hidden=hidden, help=setting.help)
    return click.Option(
        names,
        metavar=setting.metavar,
        hidden=hidden,
        help=setting.help,
        multiple=setting.is_list,
        shell_complete=lambda context, parameter, begun: _values(
            setting, context, parameter, begun
        ),
    )


def _values(
    setting: Setting, context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    from boot2docker_py.cli.completion import values

    complete = values.of_setting(setting)
    return complete(context, parameter, begun) if complete else []


def _obsolete_option(obsolete: Obsolete) -> click.Option:
    names = [_OBSOLETE_PREFIX + obsolete.key, obsolete.flag]
    is_switch = not obsolete.metavar
    return click.Option(names, is_flag=is_switch, default=None, hidden=True)


def obsolete_in(values: Iterable[str]) -> list[Obsolete]:
    """Return the obsolete settings among the names of given parameters."""
    names = set(values)
    return [o for o in OBSOLETE if _OBSOLETE_PREFIX + o.key in names]


def go_switches(arguments: Sequence[str]) -> list[str]:
    """Rewrite `--switch=false` as `--no-switch`, up to the words that a command passes on."""
    switches = {s.flag for s in SETTINGS if not s.metavar}
    switches |= {o.flag for o in OBSOLETE if o.flag and not o.metavar}
    rewritten: list[str] = []
    for index, argument in enumerate(arguments):
        if argument in (*PASSES_WORDS_ON, "--"):
            return [*rewritten, *arguments[index:]]
        flag, equals, word = argument.partition("=")
        known = equals and flag in switches and word.lower() in TRUE_WORDS | FALSE_WORDS
        rewritten.append(_switch(flag, word) if known else argument)
    return rewritten


def _switch(flag: str, word: str) -> str:
    return flag if word.lower() in TRUE_WORDS else "--no-" + flag[2:]
