"""`boot2docker autostart`: the VM comes with the login, and is saved at logoff."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Iterator, TextIO

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.usage import unknown_action
from boot2docker_py.errors import UsageError
from boot2docker_py.host import autostart as of_system
from boot2docker_py.host.autostart.entry import settings_in
from boot2docker_py.host.detached import CREATE_NO_WINDOW
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.host.end_of_session import EndOfSession

log = logging.getLogger(__name__)

ACTIONS = "on|off|status"
LOOK_EVERY_S = 1.0
NO_WINDOW = CREATE_NO_WINDOW if sys.platform == "win32" else 0


@app.command()
@click.argument("verb", metavar=ACTIONS, shell_complete=values.of_metavar(ACTIONS))
@click.option("--save-at-logoff", is_flag=True, help="With on: save the VM when you log off.")
@with_session
def autostart(session: Session, *, verb: str, save_at_logoff: bool) -> None:
    """Start the VM when you log in, and save it when you log off.

    It needs no rights: a value of your Run key on Windows, a unit of your own systemd (or an
    autostart entry of the desktop) on Linux, an agent of yours on macOS. `delete` takes it away.
    Example: boot2docker autostart on --save-at-logoff
    """
    known = ACTIONS.split("|")
    if verb not in (*known, "run"):  # which the system types, and no user
        raise unknown_action("autostart", verb, known)
    if save_at_logoff and verb != "on":
        raise UsageError("--save-at-logoff goes with 'on'", resolution="boot2docker help autostart")
    if verb == "run":
        _run(session)
        return
    entry = of_system.entry(session.config.vm)
    settings = settings_in(os.environ)
    if verb == "on":
        entry.write(of_system.Job(session.config.vm, save_at_logoff, settings=settings))
    elif verb == "off":
        entry.remove()
    kept, saves = entry.kept(settings)
    if session.as_json:
        facts = {"autostart": kept.value, "saves_at_logoff": saves, "place": entry.place}
        screen.json_object({"vm": session.config.vm, **facts})
    elif verb == "status":
        screen.data(f"{kept.value}, saved at logoff" if saves else kept.value)
    else:
        screen.words(_words(session.config.vm, kept, entry.place, saves=saves))


def _words(vm_name: str, kept: of_system.Kept, place: str, *, saves: bool) -> str:
    if kept is of_system.Kept.OFF:
        return f"VM '{vm_name}' does not start by itself."
    also = " and is saved when you log off" if saves else ""
    return f"VM '{vm_name}' starts when you log in{also} ({place})."


def _run(session: Session) -> None:
    """Do what the system starts us for: bring the VM up, stay, save it when the session ends."""
    with _awaited(f"VM '{session.config.vm}' is being saved.") as end:
        while True:
            _up_until(end, session)
            while not end.wait(LOOK_EVERY_S):
                pass
            if end.was_closed():
                return
            if _is_wanted(session):
                session.machine.save(Deadline(session.config.timeout_s))
            if not end.was_cancelled():
                return
            log.info("The session goes on after all.")


@contextlib.contextmanager
def _awaited(reason: str) -> Iterator[EndOfSession]:
    from boot2docker_py.host import end_of_session

    with contextlib.ExitStack() as stack:
        try:
            end = stack.enter_context(end_of_session.awaited(reason))
        except OSError as error:
            raise UsageError(
                "the end of this session cannot be waited for",
                details=str(error),
                resolution="boot2docker autostart on",
            ) from error
        yield end


def _up_until(end: EndOfSession, session: Session) -> None:
    """Bring the VM up in a process of its own, which the end of the session cuts off."""
    job = of_system.Job(session.config.vm, saves_at_logoff=True)
    child = subprocess.Popen(
        job.start,
        stdin=subprocess.DEVNULL,
        stdout=_handed_on(sys.__stdout__),
        stderr=_handed_on(sys.__stderr__),
        creationflags=NO_WINDOW,
    )
    while child.poll() is None:
        if end.wait(LOOK_EVERY_S):
            child.kill()
            child.wait()
            return
    if child.returncode:
        log.warning("'up' failed with exit status %d.", child.returncode)


def _handed_on(stream: TextIO | None) -> int | None:
    """Return what a process gets for our stream.

    For one that we do not have, as at login, Windows' Python would make a pipe that nobody reads:
    the first words of the process would end it.
    """
    return subprocess.DEVNULL if stream is None else None


def _is_wanted(session: Session) -> bool:
    """Tell whether the system still has to save this VM, which exists and is on."""
    from boot2docker_py.drivers.model import State

    kept, saves = of_system.entry(session.config.vm).kept(settings_in(os.environ))
    is_wanted = saves or kept is of_system.Kept.STALE
    return is_wanted and session.questions.state() in (State.RUNNING, State.PAUSED)
