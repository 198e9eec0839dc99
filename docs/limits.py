"""The page of limits: made from the constants of the code. `generate.py` writes it."""

from __future__ import annotations

import importlib
from typing import NamedTuple


class Limit(NamedTuple):
    """One bound: where it stands in the code, what it holds, and what happens beyond it."""

    constant: str
    what: str
    beyond: str


OF_GUEST = (
    Limit("ssh.dialer.GREETING_BYTES", "what an SSH server says before its greeting", "the connection is dropped, and the next one tried"),
    Limit("ssh.over_paramiko.channels.WINDOW_BYTES", "what a channel sends before the client here has taken it", "the channel is closed"),
    Limit("ssh.connection.OUTPUT_BYTES", "the output of a command that answers a question of ours", "exit status 9"),
    Limit("guest.engine.ANSWER_LIMIT_BYTES", "an answer of the engine to a question of ours", "the engine counts as silent"),
    Limit("guest.engine.LIST_LIMIT_BYTES", "a list of containers, for `doctor` and the end of the VM", "it is left out"),
    Limit("endpoint.ports.engine_events.LIST_LIMIT_BYTES", "the engine's list of containers, for published ports", "no published ports, and `ports` says why"),
    Limit("endpoint.ports.engine_events.LINE_LIMIT_BYTES", "one event of the engine", "the events are followed anew"),
    Limit("endpoint.ports.engine_events.ANSWER_WITHIN_S", "the time for that list", "as above, with twice the time"),
    Limit("endpoint.ports.engine_events.LONGEST_ANSWER_S", "the time for it in the end", "as above"),
    Limit("endpoint.ports.published.MOST_PORTS", "published ports that are looked at", "the rest is not served"),
    Limit("endpoint.ports.published.NAME_LETTERS", "the name of a container", "it is cut"),
    Limit("guest.copy.archive.HEADER_BYTES", "`cp`: a long name, or a header of pax", "exit status 9, nothing is copied"),
    Limit("guest.copy.archive.HEADERS_PER_MEMBER", "`cp`: headers for one file", "exit status 9, nothing is copied"),
    Limit("guest.copy.archive.MEMBERS", "`cp`: files in one copy", "exit status 9, nothing is copied"),
    Limit("guest.copy.archive.MEMBER_BYTES", "`cp`: one file", "exit status 9, nothing is copied"),
    Limit("guest.copy.unpacking.RESERVE_BYTES", "`cp`: what a copy leaves free on the disk", "exit status 1, nothing is copied"),
    Limit("guest.copy.unpacking.WAITING_BYTES", "`cp`: memory for the folders and links of one copy", "exit status 9, nothing is copied"),
    Limit("guest.copy.unpacking.LINK_BYTES", "`cp`: the target of a link", "exit status 9, nothing is copied"),
    Limit("guest.copy.unpacking.WARNINGS", "`cp`: files named that are left out", "the others are counted"),
    Limit("guest.copy.places.NAME_BYTES", "`cp`: the path of a file in a copy", "exit status 2, nothing is copied"),
    Limit("guest.copy.places.DEPTH", "`cp`: folders in folders", "exit status 2, nothing is copied"),
    Limit("guest.copy.streams.COMPLAINT_BYTES", "`cp`: what the VM's `tar` says of its troubles", "it is cut"),
    Limit("guest.http.HEAD_LIMIT_BYTES", "the head of an answer of the engine", "the engine counts as silent"),
    Limit("guest.engine_settings.CONFIG_LIMIT_BYTES", "the VM's `daemon.json`, where settings from here are joined with it", "exit status 9"),
    Limit("guest.engine_state.LONGEST_S", "how long a script of the user has run, as the VM says", "it counts as not begun"),
    Limit("guest.problems.MOST", "what the VM says is wrong with the user's files", "the last ones are shown"),
    Limit("guest.mounted_shares.MOST_TOLD", "who uses shared folders, at `save` and a live snapshot", "the others are not named"),
    Limit("guest.swarm.ANSWER_LIMIT_BYTES", "an answer of the engine about its swarm", "exit status 9"),
    Limit("guest.swarm.TEXT_LIMIT", "a name or a state in it", "it is cut"),
    Limit("guest.swarm.NODES_LIMIT", "nodes, services or tasks that a manager names", "the rest is not listed"),
    Limit("guest.copy.engine_image.IMAGE_LIMIT_BYTES", "an image that `swarm load` gives to another node", "exit status 9, the other node takes nothing"),
    Limit("drivers.qemu.switch.FRAMES_LIMIT", "frames on an internal network that wait for one VM", "further ones are dropped"),
    Limit("drivers.qemu.switch.ADDRESSES_LIMIT", "MAC addresses on an internal network", "all are forgotten, and learned anew"),
    Limit("drivers.qemu.qmp.LINE_BYTES", "one message of QEMU's monitor", "QEMU counts as silent"),
)  # fmt: skip

OF_CLIENTS = (
    Limit("endpoint.relay.room.DOCKER_CLIENTS", "clients of the engine at once", "they wait until one ends"),
    Limit("endpoint.relay.room.PORT_CLIENTS", "clients of published ports at once", "they wait until one ends"),
    Limit("endpoint.ports.rooms.UDP_PORTS", "published UDP ports at once", "`ports` names those that are not served"),
    Limit("endpoint.ports.udp_clients.MAX_CLIENTS", "clients of one UDP port", "the one that was silent longest is forgotten"),
    Limit("endpoint.relay.first_request.LIMIT_BYTES", "the head of a first request, at `--tcp` and while the engine cannot be reached", "the client is hung up on"),
    Limit("endpoint.relay.gatekeeper.ASK_WITHIN_S", "`--tcp`: the time for it", "the client is hung up on"),
    Limit("endpoint.ports.udp.MAX_DATAGRAM_BYTES", "a datagram", "there is no longer one"),
    Limit("endpoint.control.LINE_LIMIT_BYTES", "an answer of the forwarder", "it counts as silent"),
    Limit("endpoint.control.QUESTION_LIMIT_BYTES", "a question to the forwarder", "it is not answered"),
    Limit("endpoint.control.ANSWER_WITHIN_S", "the time for one question and its answer", "the next one is served"),
    Limit("endpoint.forwarder_log.LIMIT_BYTES", "the forwarder's log, and the older one beside it", "the older one is dropped"),
    Limit("cli.boundary.LOG_BYTES", "the log of all commands, and the older one beside it", "the older one is dropped"),
)  # fmt: skip

OF_USER = (
    Limit("guest.provision.SCRIPT_LIMIT_BYTES", "a script for the VM", "exit status 1"),
    Limit("guest.seed.LIMIT_BYTES", "what a new VM is given with its disk", "exit status 2"),
    Limit("guest.seed.NEW_LIMIT_BYTES", "what a copied VM is given with its disk", "exit status 2"),
    Limit("machine.engine.CERTIFICATE_LIMIT_BYTES", "a file of certificates", "exit status 2"),
    Limit("machine.resets.LONGEST_NAME", "the letters of a snapshot's name", "exit status 2"),
    Limit("drivers.virtualbox.vm.appliance.MOST_HEADER_BYTES", "VirtualBox: the headers in a file to import", "exit status 2"),
    Limit("drivers.qemu.shares.MOST_SHARES", "folders that QEMU shares", "exit status 2"),
)  # fmt: skip

OF_WEB = (
    Limit("image.fetching.download.MOST_BYTES", "an image", "exit status 8, nothing is kept"),
    Limit("image.fetching.web._MOST_TEXT_BYTES", "a list of releases, a checksum", "exit status 8"),
    Limit("image.fetching.web._MOST_REDIRECTS", "redirects", "exit status 8"),
    Limit("image.fetching.web_errors.LONGEST_PAUSE_S", "a pause that a server asks for, before the command's own deadline counts", "it is cut"),
    Limit("image.fetching.releases.TAG_LETTERS", "the tag of a release", "exit status 8"),
)  # fmt: skip

UNITS = {"BYTES": "bytes", "S": "seconds", "LETTERS": "letters"}


def limits_page() -> str:
    """Return docs/limits.md."""
    parts = [
        "# Limits",
        "Made from the code by `make docs`. What comes from the VM, from clients and from the net "
        "is not trusted: each size, count and time has a bound. Who is protected from whom: "
        "[SECURITY.md](../SECURITY.md).",
    ]
    groups = (
        ("The VM", OF_GUEST),
        ("Clients", OF_CLIENTS),
        ("The net", OF_WEB),
        ("The user", OF_USER),
    )
    for title, limits in groups:
        rows = "\n".join(
            f"| {one.what} | {_value(one.constant)} | {one.beyond} |" for one in limits
        )
        parts += [f"## {title}", f"| what | at most | beyond |\n|---|---|---|\n{rows}"]
    parts.append(
        "Compressed answers of web servers are refused. Numbers are whole, in decimal, and in the "
        "range that they can have: ports 1 to 65535, times of files from 1901 to 9999."
    )
    return "\n\n".join(parts) + "\n"


def _value(constant: str) -> str:
    module, _, name = constant.rpartition(".")
    value = getattr(importlib.import_module(f"boot2docker_py.{module}"), name)
    unit = UNITS.get(name.rpartition("_")[2], "")
    if unit == "bytes":
        for size, word in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
            if value % size == 0:
                return f"{value // size} {word}"
    return f"{value:g} {unit}".strip() if value < 1_000_000 else f"{value:,}"
