"""The command that shows the logs of a VM, wherever they are."""

from __future__ import annotations

import time
from pathlib import Path

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.errors import UsageError
from boot2docker_py.machine import logs as vm_logs

INTERRUPTED = 130


class _LineCount(click.types.IntParamType):
    """A whole number; click.IntRange would put `[x>=0]` into the help."""

    min = 0  # as usage errors name it

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        count = int(super().convert(value, param, ctx))
        if count < self.min:
            self.fail(f"{count} is less than {self.min}", param, ctx)
        return count


class _Stdout:
    """Our standard output, for bytes, at once."""

    def write(self, data: bytes) -> None:
        screen.raw(data)


@app.command()
@click.argument("name", required=False, type=click.Choice(vm_logs.NAMES), metavar="[NAME]")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is added, until Ctrl-C.")
@click.option(
    "-n",
    "lines",
    metavar="LINES",
    type=_LineCount(),
    default=100,
    help="How many of its last lines (100).",
)
@with_session
def logs(session: Session, *, name: str | None, follow: bool, lines: int) -> int:
    """Show the end of a log.

    NAME is engine, boot, provision, console, forward or hypervisor.

    Without NAME: the engine's log if the VM runs, else what the VM said on its console.
    The first three are in the VM, and need it running; the others are on this machine.
    Example: boot2docker logs -f engine
    """
    if follow and session.as_json:
        raise UsageError("--follow and --json do not go together", resolution="Omit one of them.")
    if name is None:
        name = vm_logs.most_useful(session.questions.state())
        screen.words(f"The log '{name}' of VM '{session.config.vm}':")
    try:
        _show(session, name, lines, follows=follow)
    except KeyboardInterrupt:
        if not follow:
            raise
        return INTERRUPTED  # the way to end; no word is needed
    return 0


def _show(session: Session, name: str, lines: int, *, follows: bool) -> None:
    if session.as_json:
        _as_json(session, name, lines)
    elif name in vm_logs.IN_GUEST:
        session.access.show_log(name, lines, _Stdout(), follows=follows)
    else:
        _show_file(vm_logs.file_of(session, name), lines, follows=follows)


def _show_file(file: Path, lines: int, *, follows: bool) -> None:
    found, log = vm_logs.last_lines(file, lines)
    if not file.exists():
        screen.words(f"There is no '{file}' yet.")
    stdout = _Stdout()
    stdout.write(b"".join(found))
    if follows:
        for data in vm_logs.follow(log, time):
            stdout.write(data)


def _as_json(session: Session, name: str, lines: int) -> None:
    told = vm_logs.end_of(session, name, lines).decode("utf-8", errors="replace").splitlines()
    screen.json_object({"vm": session.config.vm, "log": name, "lines": told})
