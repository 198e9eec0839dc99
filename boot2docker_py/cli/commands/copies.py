"""`clone`, `rename`, `export` and `import`: VMs made of others, and one with another name."""

from __future__ import annotations

from pathlib import Path

import click

from boot2docker_py.advice import quoted
from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import OF_IMAGES, answer, with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.errors import UsageError

KEEP_KEYS = "Keep the SSH keys, and the name inside, that are on its disk."


@app.command()
@click.argument("new", metavar="NEW")
@click.option(
    "--from",
    "snapshot",
    metavar="SNAPSHOT",
    help="Copy this, not the VM.",
    shell_complete=values.snapshots,
)
@click.option("--linked", is_flag=True, help="Hold only what differs from SNAPSHOT, which stays.")
@click.option("--keep-keys", is_flag=True, help=KEEP_KEYS)
@with_session
def clone(
    session: Session, new: str, *, snapshot: str | None, linked: bool, keep_keys: bool
) -> None:
    """Make a VM that is a copy of this one.

    It has its own ports, addresses, name and keys, and is off. The VM has to be off, or a snapshot
    is copied, while the VM runs on: its disk, not its memory. A linked clone is made in no time;
    neither its snapshot nor this VM can be deleted while it is there.

    Example: boot2docker clone another
    boot2docker clone --from clean --linked another
    """
    made = session.vm.clone(new, snapshot=snapshot, linked=linked, keep_keys=keep_keys)
    screen.status_line.clear()
    vm = made.info()
    words = f"VM '{new}' is made; start it with: boot2docker up --vm {quoted(new)}"
    answer(session, words, clone=new, linked=linked, snapshot=snapshot, ssh_port=vm.ssh_port)


@app.command()
@click.argument("new", metavar="NEW")
@with_session
def rename(session: Session, new: str) -> None:
    """Give the VM another name.

    Its docker context, its socket or pipe, its keys and its start at login follow. It has to be
    off.

    Example: boot2docker rename work
    """
    session.vm.rename(new)
    words = f"VM '{session.config.vm}' is '{new}' now: boot2docker up --vm {quoted(new)}"
    answer(session, words, renamed_to=new, docker_host=session.vm.docker_host)


@app.command()
@click.argument("file", metavar="FILE", shell_complete=values.of_metavar("FILE"))
@with_session
def export(session: Session, file: str) -> None:
    """Write the VM into one file, for another machine.

    It has to be off. The file has all that is on its disk, keys and passwords among it.

    Example: boot2docker export work.vm
    """
    path = _path_of(file, "export").absolute()
    session.vm.export(path)
    screen.status_line.clear()
    size = path.stat().st_size
    answer(session, f"VM '{session.config.vm}' is in '{path}'.", file=path, size_bytes=size)


@app.command("import", named=OF_IMAGES)
@click.argument("file", metavar="FILE", shell_complete=values.of_metavar("FILE"))
@click.option("--keep-keys", is_flag=True, help=KEEP_KEYS)
@with_session
def import_(session: Session, file: str, *, keep_keys: bool) -> None:
    """Make the VM of a file that `export` has written.

    It gets your SSH key, a host key of its own, and free ports. It is off then.

    Example: boot2docker import work.vm
    boot2docker import --vm work work.vm
    """
    session.vm.import_(_path_of(file, "import"), keep_keys=keep_keys)
    screen.status_line.clear()
    vm = session.vm.info()
    words = f"VM '{session.config.vm}' is made; start it with: boot2docker up"
    answer(session, words, created=True, disk_mb=vm.disk_mb, ssh_port=vm.ssh_port)


def _path_of(file: str, command: str) -> Path:
    if not file:  # Path("") is the folder that we are in
        raise UsageError("FILE is empty", resolution=f"boot2docker help {command}")
    return Path(file).expanduser()
