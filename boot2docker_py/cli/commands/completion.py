"""The command that gives a shell its completion."""

from __future__ import annotations

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import answer, with_session
from boot2docker_py.cli.completion.scripts import SCRIPTS
from boot2docker_py.cli.session import Session


@app.command()
@click.argument("shell", type=click.Choice(list(SCRIPTS)), metavar="|".join(SCRIPTS))
@click.option("--install", is_flag=True, help="Let each new shell of that kind read it.")
@with_session
def completion(session: Session, *, shell: str, install: bool) -> None:
    """Let a shell complete commands, flags and names.

    It prints what the shell has to read; --install puts that into a file, and a line that reads
    it into your .bashrc, .zshrc or PowerShell profile, which `uninstall` takes out again.

    Example: boot2docker completion bash --install
    source <(boot2docker completion bash)
    """
    if not install and session.as_json:
        screen.json_object({"shell": shell, "lines": SCRIPTS[shell].splitlines()})
        return
    if not install:
        screen.utf8(SCRIPTS[shell])
        return
    from boot2docker_py.cli.completion import installed

    place = installed.install(shell, session.paths)
    read_by = f", read by {place.read_by}" if place.read_by else ""
    words = f"New shells complete boot2docker ({place.script}{read_by})."
    answer(session, words, shell=shell, script=place.script, read_by=place.read_by)
