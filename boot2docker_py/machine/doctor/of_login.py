"""The check of what this machine does at login and logoff."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.host.autostart import Kept
from boot2docker_py.host.autostart.entry import settings_in
from boot2docker_py.machine.doctor.findings import Check, Finding, Patient, of_error, ok, warning


def _autostart(patient: Patient) -> Iterator[Finding]:
    entry = patient.autostart
    try:
        kept, saves = entry.kept(settings_in(patient.environ))
    except Boot2DockerError as error:
        yield of_error("autostart", error)
        return
    if kept is Kept.OFF:
        yield ok("autostart", "off: the VM does not start by itself")
    elif kept is Kept.ON:
        words = "on: the VM starts at login" + (", and is saved at logoff" if saves else "")
        yield ok("autostart", words)
    else:
        words = f"another boot2docker would start the VM at login ({entry.place})"
        yield warning("autostart", words, "boot2docker autostart on, or: boot2docker autostart off")


CHECKS = (
    Check(
        "autostart",
        "Whether the VM starts at login, and is saved at logoff",
        "warning: what starts it is another Python, another folder, or switched off by hand",
        _autostart,
    ),
)
