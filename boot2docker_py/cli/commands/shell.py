"""The commands that bring the engine into a shell: `shellinit` and `shell`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Mapping, Sequence

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import WHEN_MADE, with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.docker import environment, shells, stand_in
from boot2docker_py.errors import UsageError
from boot2docker_py.machine import docker_environment

if TYPE_CHECKING:
    from boot2docker_py.config import Config

log = logging.getLogger(__name__)

# What a POSIX shell says of a command that it cannot find, or cannot run.
NOT_FOUND, NOT_RUNNABLE = 127, 126


@app.command()
@click.option(
    "--shell", type=click.Choice(sorted(shells.SHELLS)), help="Write for it; else it is detected."
)
@click.option("--unset", "-u", is_flag=True, help="Take the variables back.")
@click.option("--tls", is_flag=True, help="The engine's TLS port, with certificates fetched anew.")
@click.option(
    "--no-proxy",
    is_flag=True,
    help="Also keep the VM and localhost off the proxy, as --tls does where one is set.",
)
@with_session
def shellinit(
    session: Session, *, shell: str | None, unset: bool, tls: bool, no_proxy: bool
) -> None:
    """Print what makes this shell's docker use the VM.

    How the shell evaluates it is said on stderr. Aliases: env, socket.
    Example: eval "$(boot2docker shellinit)"
    """
    shell = shell or session.shell
    if unset:
        wanted = environment.of_no_engine()
    else:
        session.questions.running_address()  # without one there is nothing to point at
        wanted = docker_environment.of_engine(session, tls=tls, no_proxy=no_proxy)
    lines = wanted.lines(shell)
    if session.as_json:
        facts = {"shell": shell, "set": dict(wanted.set), "unset": wanted.unset, "lines": lines}
        screen.json_object({"vm": session.config.vm, **facts})
        return
    screen.code(lines)
    words = ["boot2docker", "shellinit", "--shell", shell]
    words += ["--vm", f'"{session.config.vm}"'] if session.config.flag("vm") else []
    words += ["--unset"] * unset + ["--tls"] * tls + ["--no-proxy"] * no_proxy
    screen.words(f"To do this in {shell}: {shells.hint(shell, ' '.join(words))}")


@app.command(shown=WHEN_MADE, passes_words_on=True)
@click.argument("words", nargs=-1, metavar="[CMD...]", type=click.UNPROCESSED)
@with_session
def shell(session: Session, words: tuple[str, ...]) -> int:
    """Open a shell here whose docker uses the VM.

    The VM is brought up first. With CMD, that runs instead, and its exit status is passed on.

    All that follows `shell` is CMD, flags too. Example: boot2docker shell docker version
    """
    if words and not words[0]:  # a variable that is not set, most likely
        raise UsageError("the name of the command is empty", resolution="boot2docker help shell")
    session.vm.up()
    command = list(words) or own_shell(os.environ, session.shell, sys.platform)
    name = session.config.vm
    environ = _with_a_client(session, session.vm.environment)
    if not words:
        screen.words(f"docker uses the engine of VM '{name}' here; 'exit' ends this.")
    session.hand_over()
    return run_here(command, environ)


def _with_a_client(session: Session, environ: dict[str, str]) -> dict[str, str]:
    """Return the environment with the client of the VM as `docker`, where there is no other."""
    if not stand_in.is_needed(environ):
        return environ
    try:
        environ = stand_in.offered_in(session.paths.stand_in, environ)
    except OSError as error:
        log.warning("There is no docker client, and none can be offered: %s", error)
        return environ
    screen.words(
        "There is no docker client on this machine: here, docker is that of the VM "
        "(boot2docker docker)."
    )
    return {**environ, **settings_for_children(session.config)}


def settings_for_children(config: Config) -> dict[str, str]:
    """Return the variables by which another boot2docker finds the VM of this one."""
    found = {"vm": config.vm, "ssh_key": str(config.ssh_key)}
    return {
        setting.variable: found[setting.field]
        for setting in SETTINGS
        if setting.field in found and config.flag(setting.field)
    }


def own_shell(environ: Mapping[str, str], detected: str, platform: str) -> list[str]:
    """Return the command of the user's own shell."""
    if platform != "win32":
        return [environ.get("SHELL") or "/bin/sh"]
    if detected == "powershell":
        return ["powershell.exe", "-NoLogo"]
    if detected != "cmd":  # SHELL is a path of MSYS, which Windows does not know
        return [f"{detected}.exe", "-i"]
    return [environ.get("COMSPEC") or "cmd.exe"]


def run_here(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command on this terminal; return its exit status, as a shell would."""
    import subprocess

    try:
        child = subprocess.Popen(command, env=dict(environ))
    except FileNotFoundError:
        screen.words(f"{command[0]}: command not found")
        return NOT_FOUND
    except OSError as error:
        screen.words(f"{command[0]}: {error.strerror}")
        return NOT_RUNNABLE
    # Ctrl-C is for the child, which has the same terminal.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - status if status < 0 else status
