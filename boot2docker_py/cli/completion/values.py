"""What may stand behind a flag, or in an argument's place."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Callable, Iterable

import click
from click.shell_completion import CompletionItem

from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.config.settings import Setting
    from boot2docker_py.machine.parts import Parts

WITHIN_S = 10.0  # of a guest that is asked for its files
MOST_FILES = 200
VM_SIDE = "vm:"

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]

_FOLDERS, _FILES = {"DIR", "DIR[=NAME]"}, {"FILE", "SCRIPT", "auto|off|FILE", "always:SCRIPT"}


def of_setting(setting: Setting) -> Complete | None:
    """Return what completes the value of a setting, None when nothing does."""
    if setting.field == "vm":
        return vm_names
    return of_metavar(setting.metavar)


def of_metavar(metavar: str) -> Complete | None:
    """Return what completes a value of that name: `on|off`, FILE, DIR."""
    words = [word for word in metavar.strip("[]").split("|") if word.islower() or word.isdigit()]
    if metavar in _FOLDERS:
        return lambda _context, _parameter, begun: [CompletionItem(begun, type="dir")]
    if metavar in _FILES and not words:
        return lambda _context, _parameter, begun: files(begun)
    if words or "|" in metavar:
        choices = [word for word in metavar.strip("[]").split("|") if word != "FILE"]
        choices = [word for word in choices if word != "URL"]
        more = "FILE" in metavar
        return lambda _context, _parameter, begun: [
            *matching(choices, begun),
            *(files(begun) if more else []),
        ]
    return None


def files(begun: str) -> list[CompletionItem]:
    """Return that the shell shall look for files."""
    return [CompletionItem(begun, type="file")]


def matching(words: Iterable[str], begun: str) -> list[CompletionItem]:
    """Return the words that begin so."""
    return [CompletionItem(word) for word in words if word.startswith(begun)]


def vm_names(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Return the VMs of this user."""
    return matching(_session(context).paths.vm_names(), begun)


def snapshots(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Return the snapshots of the VM that the line is about."""
    with contextlib.suppress(Boot2DockerError):
        found = _session(context).listed_snapshots
        return matching([one.name for one in found], begun)
    return []


def places(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return files of this machine, or, behind `vm:`, of the VM."""
    if begun.startswith(VM_SIDE):
        return _files_of_vm(_session(context), begun[len(VM_SIDE) :])
    side = [CompletionItem(VM_SIDE, type="part")] if VM_SIDE.startswith(begun) else []
    return [*files(begun), *side]


def _files_of_vm(session: Parts, begun: str) -> list[CompletionItem]:
    from boot2docker_py.wait import Deadline

    script = f'ls -1dp -- "$1"* 2> /dev/null | head -n {MOST_FILES}'
    with contextlib.suppress(Boot2DockerError):
        deadline = Deadline(WITHIN_S)
        address = session.questions.running_address()
        with session.access.connect(address, deadline) as connection:
            told = connection.run(
                ["sh", "-c", script, "sh", begun], timeout_s=deadline.remaining_s()
            )
        names = told.stdout.decode("utf-8", "replace").splitlines()
        return [
            CompletionItem(VM_SIDE + name, type="part" if name.endswith("/") else "plain")
            for name in names
        ]
    return []


def _session(context: click.Context) -> Parts:
    """Return the session with the flags of the line as far as it is typed; the last one counts."""
    session = context.find_root().obj
    contexts = [context.parent, context] if context.parent else [context]
    for one in contexts:
        session.take({name: one.params.get(name) for name in ("vm", "driver")})
    parts: Parts = session
    return parts
