"""The command about the forwarder: `forward`."""

from __future__ import annotations

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import UsageError, WrongStateError

ACTIONS = ("status", "stop", "restart", "foreground", "log")


@app.command(shown="tcp_port")
@click.option("--status", is_flag=True, help="Print how far it is; 4 when there is none.")
@click.option("--stop", is_flag=True, help="End it; the VM runs on.")
@click.option("--restart", is_flag=True, help="End it and start it anew.")
@click.option("--foreground", is_flag=True, help="Run it here until Ctrl-C, in place of another.")
@click.option("--log", is_flag=True, help="Print its log.")
@with_session
def forward(session: Session, /, **actions: bool) -> None:
    """Start, show or end the process that serves the engine here.

    Without an option it is started, as `up` does. It lives until the VM is
    deleted, and finds the VM again after save, reset and sleep.

    Example: boot2docker forward --status
    """
    chosen = [action for action in ACTIONS if actions[action]]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other")
    {
        "": _start,
        "status": _status,
        "stop": _stop,
        "restart": _restart,
        "foreground": _foreground,
        "log": _log,
    }["".join(chosen)](session)


def _start(session: Session) -> None:
    session.vm.forward()
    _say_started(session)


def _say_started(session: Session) -> None:
    if session.as_json:
        _print_health(session)
    else:
        words = f"The engine of VM '{session.config.vm}' answers at {session.endpoint.docker_host}."
        screen.words(words)


def _restart(session: Session) -> None:
    session.vm.forward(restart=True)
    _say_started(session)


def _status(session: Session) -> None:
    state = session.questions.state()
    health = session.endpoint.status()
    if health is None:
        raise WrongStateError(
            f"no forwarder runs for VM '{session.config.vm}'",
            resolution="boot2docker forward" if state is State.RUNNING else "boot2docker up",
        )
    if session.as_json:
        _print_health(session)
        return
    screen.data(health.phase.value)
    for words in (health.reason, health.last_error and health.last_error.in_words()):
        if words:
            screen.words(words)


def _print_health(session: Session) -> None:
    health = session.vm.forwarder()
    screen.json_object({"vm": session.config.vm, "forwarder": health and health.as_dict()})


def _stop(session: Session) -> None:
    was_there = session.vm.stop_forwarder()
    if session.as_json:
        screen.json_object({"vm": session.config.vm, "stopped": was_there})
    else:
        name = session.config.vm
        words = f"The forwarder of VM '{name}' has ended."
        screen.words(words if was_there else f"No forwarder ran for VM '{name}'.")


def _foreground(session: Session) -> None:
    address = session.machine.settled_address(session.deadline)
    session.endpoint.run_here(address)


def _log(session: Session) -> None:
    session.questions.state()
    lines = session.endpoint.log_lines()
    if session.as_json:
        screen.json_object({"vm": session.config.vm, "log": lines})
    elif lines:
        screen.data("\n".join(lines))
