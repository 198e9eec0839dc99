"""The network that VMs of VirtualBox have among themselves: an internal one of VirtualBox's own.

It is known by its name alone, on all of this machine, so the name says whose VirtualBox it is of.
VirtualBox makes it when the first VM on it starts, and it ends with the last.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from boot2docker_py.drivers.model import InternalNetwork
from boot2docker_py.drivers.virtualbox.binding.api import API

if TYPE_CHECKING:
    from virtualbox.library import IMachine

SLOT = 2  # the first two are NAT and the host-only network
PREFIX = "boot2docker-"


def attach(api: API, machine: IMachine, network: InternalNetwork) -> None:
    """Make the third adapter of the machine one on the network."""
    card = machine.get_network_adapter(SLOT)
    card.adapter_type = api.library.NetworkAdapterType.virtio
    card.internal_network = _prefix(api) + network.name
    card.mac_address = _digits(network)
    card.attachment_type = api.library.NetworkAttachmentType.internal
    card.enabled = True


def of(api: API, machine: IMachine) -> InternalNetwork | None:
    """Return the network that the machine is on, None if it is on none of ours."""
    card = machine.get_network_adapter(SLOT)
    internal = api.library.NetworkAttachmentType.internal
    if not card.enabled or card.attachment_type != internal:
        return None
    name, digits = str(card.internal_network), str(card.mac_address)
    prefix = _prefix(api)
    if not name.startswith(prefix) or not re.fullmatch("[0-9A-Fa-f]{12}", digits):
        return None
    found = InternalNetwork(name[len(prefix) :], int(digits[-2:], 16))
    return found if _digits(found) == digits.upper() else None


def numbers_on(api: API, network: str) -> set[int]:
    """Return the numbers that machines of this user's VirtualBox have on a network."""
    machines = [machine for machine in api.virtualbox.machines if machine.accessible]
    places = [of(api, machine) for machine in machines]
    return {place.number for place in places if place and place.name == network}


def is_named(api: API, machine: IMachine, words: str) -> bool:
    """Tell whether VirtualBox's words name the network that the machine is on."""
    card = machine.get_network_adapter(SLOT)
    return of(api, machine) is not None and str(card.internal_network) in words


def _prefix(api: API) -> str:
    """Return what the names of networks begin with that are of this user's VirtualBox."""
    home = os.fsencode(str(api.virtualbox.home_folder))
    return f"{PREFIX}{hashlib.sha256(home).hexdigest()[:8]}-"


def _digits(network: InternalNetwork) -> str:
    """Return the MAC address as VirtualBox has it."""
    return network.mac.replace(":", "").upper()
