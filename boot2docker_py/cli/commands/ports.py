"""The command that says where published ports of containers and services are reached: `ports`."""

from __future__ import annotations

from typing import Any

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session
from boot2docker_py.machine import published

HEADINGS = ("CONTAINER", "PORT", "ON THIS MACHINE", "AT THE VM'S OWN ADDRESS")


@app.command()
@with_session
def ports(session: Session) -> None:
    """List where published ports of containers are reached.

    For one that cannot be reached here, the reason is given.

    Example: boot2docker ports
    """
    host_only, rows = published.of_vm(session)
    if session.as_json:
        facts = {"vm": session.config.vm, "ip": host_only, "ports": rows}
        screen.json_object(facts)
    elif rows:
        screen.table([HEADINGS, *map(_words, rows)])
    else:
        screen.words("No container publishes a port, and no service that this VM knows of.")


def _words(row: dict[str, Any]) -> tuple[str, ...]:
    here = [", ".join(row["listens_at"]), row["problem"]]
    return (
        row["container"],
        f"{row['port']}->{row['container_port']}/{row['protocol']}",
        "; ".join(part for part in here if part),
        row["vm_address"] or "-",
    )
