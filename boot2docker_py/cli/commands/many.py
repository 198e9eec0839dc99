"""`boot2docker ls`: the VMs of this user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session

if TYPE_CHECKING:
    from boot2docker_py.drivers.many import Listed

MB = 1 << 20
HEADINGS = ("NAME", "STATE", "DRIVER", "DISK USED", "DOCKER_HOST")


@app.command()
@click.option("--quiet", "-q", is_flag=True, help="Print the names alone.")
@with_session
def ls(session: Session, *, quiet: bool) -> None:
    """List the VMs: ours, the original's, Docker Toolbox's.

    Example: boot2docker ls
    boot2docker ls -q
    """
    found = session.every_vm
    if session.as_json:
        screen.json_object({"vms": [_facts(session, vm) for vm in found]})
    elif quiet:
        for vm in found:
            screen.data(vm.name)
    elif not found:
        screen.words("There is no VM; make one: boot2docker up")
    else:
        screen.table([HEADINGS, *(_row(session, vm) for vm in found)])


def _row(session: Session, vm: Listed) -> tuple[str, ...]:
    state = vm.state.value if vm.state else "unknown"
    used = f"{-(-vm.disk_bytes // MB)} MB"
    address = _docker_host(session, vm) or "-"
    return screen.plain(vm.name), state, vm.driver, used, screen.plain(address)


def _facts(session: Session, vm: Listed) -> dict[str, object]:
    return {
        "name": vm.name,
        "state": vm.state.value if vm.state else None,
        "driver": vm.driver,
        "disk_bytes": vm.disk_bytes,
        "docker_host": _docker_host(session, vm),
        "problem": vm.problem,
    }


def _docker_host(session: Session, vm: Listed) -> str | None:
    """Return where docker reaches the engine of a VM that runs."""
    from boot2docker_py.endpoint.of_vm import docker_host

    is_running = vm.state is not None and vm.state.value == "running"
    return docker_host(session.paths.vm(vm.name)) if is_running else None
