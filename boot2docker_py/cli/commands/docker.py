"""`boot2docker docker`: the docker client of the VM, for a machine that has none."""

from __future__ import annotations

import os

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.guest import CONNECTION_FAILED
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.errors import GuestError


@app.command(passes_words_on=True)
@click.argument("words", nargs=-1, metavar="[ARGUMENT...]", type=click.UNPROCESSED)
@with_session
def docker(session: Session, words: tuple[str, ...]) -> int:
    """Run the docker client of the VM, for a machine that has none.

    Its exit status is passed on. The working folder, and the paths of -v, --mount, --env-file,
    build, load and the like, are those of this machine, and must lie in a folder shared with the
    VM; vm:PATH is a path in the VM. All that follows `docker` goes to the client, flags too.
    Example: boot2docker docker run -it --rm -v .:/work -w /work busybox sh
    """
    from boot2docker_py.docker import client_words
    from boot2docker_py.guest.shared_folders import Folder, SharedFolders

    address = session.machine.settled_address(session.deadline)
    folders = SharedFolders(
        [Folder(str(share.folder), share.name) for share in session.driver.shares()],
        os.getcwd(),  # noqa: PTH109 - Path would say it in another way where it is a link
        can_share=session.driver.features.has_shared_folders,
    )
    line = client_words.command_line(words, folders, os.environ)
    try:
        return session.access.run(address, [line], session.hand_over, tty=_at_terminal())
    except GuestError as problem:
        screen.error(problem)
        return CONNECTION_FAILED


def _at_terminal() -> bool:
    """Tell whether all three streams are a terminal: in one of the guest they become one."""
    return all(os.isatty(number) for number in range(3))
