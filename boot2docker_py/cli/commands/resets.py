"""`boot2docker snapshot` and `boot2docker reset`: a VM that goes back to where it was."""

from __future__ import annotations

import datetime
import shutil
import sys
from typing import TYPE_CHECKING, Sequence

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import answer, engine_is_up, with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.usage import unknown_action
from boot2docker_py.errors import Boot2DockerError, NotFoundError, UsageError

if TYPE_CHECKING:
    from boot2docker_py.drivers.model import Snapshot

ACTIONS = ("list", "take", "restore", "delete")
MB = 1 << 20
_STDERR = 2  # the number: our stdout is for what we answer


@app.command()
@click.argument(
    "action",
    default="list",
    metavar="[list|take|restore|delete]",
    shell_complete=values.of_metavar("|".join(ACTIONS)),
)
@click.argument("name", required=False, shell_complete=values.snapshots)
@click.option("--no-memory", is_flag=True, help="Take the disk alone, as after a power cut.")
@click.option("--force", "-f", is_flag=True, help="Restore, though what the VM is now is lost.")
@with_session
def snapshot(
    session: Session, action: str, name: str | None, *, no_memory: bool, force: bool
) -> None:
    """Keep the VM as it is, and go back to it.

    One that is taken of a VM that runs has its memory too: restored, it goes on from there, and
    its engine answers. One of a VM that is off is off again when it is restored.

    Example: boot2docker snapshot take clean
    boot2docker snapshot restore clean --force
    """
    if action not in ACTIONS:
        raise unknown_action("snapshot", action, ACTIONS)
    if no_memory and action != "take":
        raise UsageError("--no-memory goes with take", resolution="boot2docker help snapshot")
    if action == "list" and name is not None:
        raise UsageError(
            f"snapshot list takes no name, as '{name}'", resolution="boot2docker snapshot list"
        )
    if action == "list":
        _list(session)
        return
    if name is None:
        raise UsageError(
            f"which snapshot? snapshot {action} needs a name",
            resolution=f"boot2docker snapshot {action} NAME",
        )
    if action == "take":
        taken = session.vm.take_snapshot(name, memory=not no_memory)
        answer(session, f"The snapshot '{name}' is taken.", **_facts(taken))
    elif action == "delete":
        session.vm.delete_snapshot(name)
        answer(session, f"The snapshot '{name}' is deleted.", name=name, deleted=True)
    else:
        _restore(session, name, force=force)


def _restore(session: Session, name: str, *, force: bool) -> None:
    found = session.vm.restore_snapshot(name, force=force)
    state = session.driver.state()
    if state.value == "running":
        engine_is_up(session, found, snapshot=name)
        return
    words = f"VM '{session.config.vm}' is as it was at '{name}', and off; start it: boot2docker up"
    answer(session, words, found=found.value, state=state.value, snapshot=name)


def _list(session: Session) -> None:
    found = session.vm.snapshots()
    if session.as_json:
        facts = [_facts(one) for one in found]
        screen.json_object({"vm": session.config.vm, "snapshots": facts})
        return
    if not found:
        screen.words(f"VM '{session.config.vm}' has no snapshots.")
        return
    screen.table([("NAME", "TAKEN", "MEMORY", "SIZE", "PARENT", ""), *map(_row, found)])


def _row(one: Snapshot) -> tuple[str, ...]:
    taken = datetime.datetime.fromtimestamp(one.taken_at_s).strftime("%Y-%m-%d %H:%M:%S")
    return (
        screen.plain(one.name),
        taken,
        _memory(one),
        f"{-(-one.size_bytes // MB)} MB" if one.size_bytes else "-",
        screen.plain(one.parent or "-"),
        "current" if one.is_current else "",
    )


def _memory(one: Snapshot) -> str:
    if one.lost_file:
        return "lost"
    return "yes" if one.has_memory else "no"


def _facts(one: Snapshot) -> dict[str, object]:
    return {
        "name": one.name,
        "taken_at": one.taken_at_s,
        "has_memory": one.has_memory,
        "lost_file": str(one.lost_file) if one.lost_file else None,
        "size_bytes": one.size_bytes,
        "parent": one.parent,
        "is_current": one.is_current,
    }


@app.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--to",
    "to",
    metavar="NAME",
    help="Go back to this snapshot.",
    shell_complete=values.snapshots,
)
@click.option("--wipe", is_flag=True, help="Begin with a new disk: images and containers go.")
@click.option(
    "--make",
    is_flag=True,
    help="Where there is no such snapshot, take it: of a new disk, after COMMAND has run here.",
)
@click.option("--force", "-f", is_flag=True, help="Do not ask; lose other snapshots, too.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND...]")
@with_session
def reset(
    session: Session,
    *,
    to: str | None,
    wipe: bool,
    make: bool,
    force: bool,
    command: tuple[str, ...],
) -> None:
    """Throw the VM's memory away, and boot it; or go back.

    A saved memory goes too; the disk is kept. With --to, disk and memory become those of a
    snapshot; with --wipe, the disk is a new one. It ends with an engine that answers, from
    every state. What follows --make is run with docker pointed at the VM.

    Example: boot2docker reset
    boot2docker reset --to clean --make docker pull alpine
    """
    if problem := _usage_problem(to=to, wipe=wipe, make=make, command=command):
        raise UsageError(problem, resolution="boot2docker help reset")
    is_made = make and to is not None and not _has(session, to)
    if is_made and shutil.which(command[0]) is None:  # before the disk is gone
        raise UsageError(f"cannot run '{command[0]}'", details="There is no such program here.")
    if wipe or is_made:
        _ask_whether_to_wipe(session, force=force)
    prepare = (lambda _vm: _run(session, command)) if make else None
    done = session.vm.reset(to=to, wipe=wipe, make=prepare, force=force)
    if to is None and not wipe:
        engine_is_up(session, done.found)
        return
    steps = [{"step": one.step, "seconds": one.seconds} for one in done.steps]
    engine_is_up(session, done.found, snapshot=to, made=done.was_made, steps=steps)


def _usage_problem(*, to: str | None, wipe: bool, make: bool, command: Sequence[str]) -> str | None:
    if to is not None and wipe:
        return "--to goes back to a disk and --wipe makes a new one: give one of them"
    if make and to is None:
        return "--make needs the name of the snapshot: --to NAME"
    if make and not command:
        return "--make needs a command to run"
    if command and not make:
        return f"reset takes no argument '{command[0]}'; a command follows --make"
    return None


def _has(session: Session, name: str) -> bool:
    try:
        return any(one.name == name for one in session.vm.snapshots())
    except NotFoundError:
        return False


def _ask_whether_to_wipe(session: Session, *, force: bool) -> None:
    from boot2docker_py.drivers.model import State

    if force or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    name = session.config.vm
    if session.driver.state() is not State.ABSENT and not screen.confirmed(
        f"Delete all that is on the disk of VM '{name}'?"
    ):
        raise Boot2DockerError(f"VM '{name}' is left as it is", details="You said no.")


def _run(session: Session, command: Sequence[str]) -> None:
    """Run the user's command here, with docker pointed at the VM; its words go to stderr."""
    import subprocess

    environ = session.vm.environment
    session.hand_over()
    try:
        status = subprocess.run(command, env=environ, stdout=_STDERR, check=False).returncode
    except OSError as error:
        raise UsageError(f"cannot run '{command[0]}'", details=str(error)) from error
    if status:
        raise Boot2DockerError(
            f"'{command[0]}' ended with {status}, so no snapshot is taken",
            details=f"VM '{session.config.vm}' runs, for a look at what went wrong",
        )
