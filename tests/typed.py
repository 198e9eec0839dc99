"""Commands of ours in words for people: found there, and read as the command line reads them."""

from __future__ import annotations

import inspect
import itertools
import re
import shlex
import sys
from typing import Iterator, Sequence

from boot2docker_py.cli.app import MODULES, app
from boot2docker_py.cli.arguments import PASSES_WORDS_ON, go_switches
from boot2docker_py.cli.help import ALIASES
from boot2docker_py.cli.session import Session

NAMES = frozenset(ALIASES).union(*MODULES.values())
_OURS = re.compile(r"(?<![\w./-])boot2docker (?P<words>[^\s,;.()'\"].*)")
# What ends a command within a sentence. A colon is also in a command: `vm:/tmp/`.
_END = re.compile(r"[,;)'`]|\.(?=\s|$)|:(?=\s|$)| \(| or | and | \.\.\.")


def commands_in(text: str) -> Iterator[str]:
    """Yield each command in a text, without `boot2docker`; sentences about boot2docker also."""
    for line in text.splitlines():
        for rest in re.split(r"(?=\bboot2docker )", line):
            found = _OURS.match(rest)
            if found:
                yield _END.split(found["words"])[0].strip()


def is_command(words: str) -> bool:
    """Tell whether it is a command, and no sentence about boot2docker."""
    first = words.split()[0]
    return first in NAMES or first.startswith("-")


def alternatives(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield each command that `list|prune` stands for."""
    return map(list, itertools.product(*(word.split("|") for word in words)))


def read(command: str, *, is_posix: bool = True) -> dict[str, object]:
    """Return the parameters of a command, of both sides; nothing is run.

    Raises:
        click.ClickException: there is no such command, option or argument.
    """
    given: dict[str, object] = {}
    for words in alternatives(shlex.split(command, posix=is_posix)):
        given.update(_read(go_switches(words)))
    return given


def _read(words: list[str]) -> dict[str, object]:
    context = app.make_context("boot2docker", words, obj=Session())
    kept = vars(context)  # click 8.2 has renamed what holds the command
    rest = [*kept.get("_protected_args", kept.get("protected_args", [])), *context.args]
    given = dict(context.params)
    if not rest:
        return given
    named, found, rest = app.resolve_command(context, rest)
    assert named is not None
    assert found is not None
    with found.make_context(named, rest, parent=context) as inner:
        own = inner.params
    given.update({k: v for k, v in own.items() if v not in (None, ())})
    assert found.callback is not None
    _demand_known_action(sys.modules[inspect.unwrap(found.callback).__module__], own.get("action"))
    if found.name in PASSES_WORDS_ON:
        first = next(iter(own["words"]), "")
        assert not first.startswith("--"), f"'{first}' goes to the VM: it stands behind {named}"
    topic = str(own.get("command") or "all")
    if found.name == "help" and topic not in ("all", "options") and not topic.isupper():
        app.resolve_command(context, [topic])
    return given


def _demand_known_action(module: object, action: object) -> None:
    actions = getattr(module, "ACTIONS", None)
    if actions is not None and action is not None and not str(action).isupper():
        assert action in actions, f"there is no '{action}' among {', '.join(actions)}"
