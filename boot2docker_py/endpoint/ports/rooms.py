"""What published ports may have of this process, and of the guest."""

from __future__ import annotations

from dataclasses import dataclass

from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.room import Room, Shares

# Each is a thread here, and a session of SSH with a process in the guest.
UDP_PORTS = 64


@dataclass(frozen=True)
class Rooms:
    """Room for sockets that listen, for their clients, and for helpers of UDP."""

    sockets: Room
    clients: Room
    udp_ports: Room

    @classmethod
    def of(cls, loop: Loop, shares: Shares) -> Rooms:
        """Return the rooms, still empty."""
        return cls(
            Room(loop, shares.port_sockets),
            Room(loop, shares.port_clients),
            Room(loop, UDP_PORTS),
        )
