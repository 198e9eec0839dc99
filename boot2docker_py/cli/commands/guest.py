"""The commands for getting in and out of the VM with other programs, and with files."""

from __future__ import annotations

import contextlib
import logging
import shlex
from typing import Iterator

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.status_line import size
from boot2docker_py.errors import GuestError, NotFoundError, UsageError, WrongStateError

log = logging.getLogger(__name__)

# What OpenSSH's ssh(1) exits with when there is no connection.
CONNECTION_FAILED = 255
# What a POSIX shell exits with when it finds no such command.
NO_SUCH_COMMAND = 127


@app.command(passes_words_on=True)
@click.argument("words", nargs=-1, metavar="[CMD...]", type=click.UNPROCESSED)
@with_session
def ssh(session: Session, words: tuple[str, ...]) -> int:
    """Open a shell in the VM, or run a command there.

    The exit status is that of CMD.

    All that follows `ssh` goes to the VM, flags too. Example: boot2docker ssh df -h
    """
    if words and not "".join(words).strip():  # of a script whose variable is not set
        details = "Without a command, 'boot2docker ssh' opens a shell."
        raise UsageError("the command is empty", details=details, resolution="boot2docker help ssh")
    with _told_what_was_taken(words):
        address = session.machine.settled_address(session.deadline)
    try:
        status = session.access.run(address, words, session.hand_over)
    except GuestError as problem:
        screen.error(problem)
        return CONNECTION_FAILED
    if status == NO_SUCH_COMMAND and _begins_with_flag(words):
        screen.words(_what_was_taken(words))
    return status


@contextlib.contextmanager
def _told_what_was_taken(words: tuple[str, ...]) -> Iterator[None]:
    """Say of a VM that is not there or does not run that a flag may have come too late."""
    try:
        yield
    except (NotFoundError, WrongStateError) as problem:
        if _begins_with_flag(words):
            problem.details = "\n".join(filter(None, [problem.details, _what_was_taken(words)]))
        raise


def _begins_with_flag(words: tuple[str, ...]) -> bool:
    return bool(words) and words[0].startswith("-")


def _what_was_taken(words: tuple[str, ...]) -> str:
    command = shlex.join(words)
    return f"'{command}' was taken for the command in the VM; flags of ours go before 'ssh'"


@app.command("ssh-config")
@with_session
def ssh_config(session: Session) -> None:
    """Print what ssh and VS Code need to log in.

    The form is that of ssh_config(5).

    The VM's name stands for it there. Example:
    boot2docker ssh-config >> ~/.ssh/config; ssh boot2docker-vm
    """
    from boot2docker_py.machine import ssh_host
    from boot2docker_py.ssh import host_keys

    block = ssh_host.of_vm(session)
    text = block.text()
    if host_keys.pinned(block.known_hosts, block.host) is None:
        log.warning("No host key of the VM is known yet; ssh needs one: boot2docker up")
    if session.as_json:
        facts = {
            "host": block.host,
            "hostname": block.address.host,
            "port": block.address.port,
            "user": block.user,
            "identity_file": block.key,
            "known_hosts": block.known_hosts,
            "ssh_config": text,
        }
        screen.json_object({"vm": session.config.vm, **facts})
    else:
        screen.utf8(text)


@app.command()
@click.argument("words", nargs=-1, metavar="SRC... DST", shell_complete=values.places)
@click.option("--root", is_flag=True, help="Read or write in the VM as its root.")
@with_session
def cp(session: Session, *, words: tuple[str, ...], root: bool) -> None:
    """Copy files into the VM or out of it.

    The side in the VM is written vm:PATH.

    Folders are copied with all that is in them; a folder that is there already gets what is new.
    Rights and times are kept. Links are copied as links, except one that is named itself. Each
    SRC appears whole or not at all. Paths in the VM that do not begin with / lie in /home/docker,
    which a restart empties; /var/lib/boot2docker stays, and needs --root.
    Example: boot2docker cp certs/ vm:/tmp/
    """
    from boot2docker_py.guest.copy import places

    if len(words) < 2:
        raise UsageError("cp needs a source and a target", resolution=places.HOW)
    copy = places.understood(words, session.config.vm)
    copied = []
    for done in session.access.copy(copy, screen.status_line.show_copy, as_root=root):
        copied.append(done.as_dict())
        if not session.as_json:
            files = f"{done.files} file{'s' * (done.files != 1)}"
            screen.words(f"{done.source} is at {done.target}: {files}, {size(done.size_bytes)}.")
    if session.as_json:
        screen.json_object({"vm": session.config.vm, "copied": copied})
