"""The command that takes all of boot2docker from this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Iterator

import click

from boot2docker_py.cli import log_file, screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.status_line import size
from boot2docker_py.errors import Boot2DockerError

if TYPE_CHECKING:
    from boot2docker_py.machine.uninstalling import Piece


@app.command()
@click.option("--force", "-f", is_flag=True, help="Do not ask.")
@with_session
def uninstall(session: Session, *, force: bool) -> None:
    """List all that boot2docker has here, and remove it.

    VMs with their disks, docker contexts, starts at login, keys, images, logs, settings and
    completion; you are asked first. Without a terminal it only lists, unless --force is given.
    What another program made stays: the original's VMs, and files that you put into our folder.
    It ends with the command that removes the program itself.

    Example: boot2docker uninstall
    """
    from boot2docker_py.machine import uninstalling

    names = session.paths.vm_names()
    pieces = [
        *uninstalling.of_vms(names, session.of),
        *_of_completion(session),
        *uninstalling.of_files(session.paths),
    ]
    if not session.as_json:
        _list(pieces)
    removes = bool(pieces) and (force or _is_asked_and_wanted())
    failed: list[tuple[Piece, Boot2DockerError]] = []
    if removes:
        log_file.end()
        failed = uninstalling.remove_all(pieces, session.paths.home)
    program = uninstalling.how_the_program_goes(Path(sys.prefix), sys.executable)
    foreign = uninstalling.foreign_in(session.paths.home) if removes else []
    if session.as_json:
        screen.json_object(
            {
                "found": [{"kind": one.kind, "name": one.name} for one in pieces],
                "removed": removes and not failed,
                "failed": [{"name": one.name, **error.as_dict()} for one, error in failed],
                "kept": [str(path) for path in foreign],
                "then": program,
            }
        )
    else:
        _say(pieces, foreign, program, removes=removes)
    if failed:
        raise failed[0][1]


def _of_completion(session: Session) -> Iterator[Piece]:
    from boot2docker_py.cli.completion import installed
    from boot2docker_py.machine.uninstalling import Piece

    found = installed.places(session.paths, os.environ)
    if (session.paths.home / "completion" / "boot2docker.ps1").exists():
        found["powershell"] = installed.place_of("powershell", session.paths, os.environ)
    for shell, place in found.items():
        if place.is_installed():
            where = f"a line in {place.read_by}" if place.read_by else str(place.script)
            yield Piece("completion", shell, f"the completion of {shell}: {where}", place.remove)


def _list(pieces: list[Piece]) -> None:
    from boot2docker_py.machine.uninstalling import size_bytes

    for one in pieces:
        path = Path(one.name)
        words = f"{one.words} ({size(size_bytes(path))})" if one.kind == "file" else one.words
        screen.words(words, is_data=True)


def _is_asked_and_wanted() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return screen.confirmed("Remove all of this, for good?")


def _say(pieces: list[Piece], foreign: list[Path], program: str, *, removes: bool) -> None:
    if not pieces:
        screen.words("There is nothing of boot2docker here but the program.")
    elif removes:
        screen.words("It is removed.")
        for path in foreign:
            screen.words(f"Not ours, and kept: {path}")
    else:
        screen.words("Nothing is removed. To remove it without a question, add --force.")
    screen.words(f"The program itself is removed by: {program}")
