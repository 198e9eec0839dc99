"""Several VMs with one Docker Swarm: what is done with all of them.

The nodes are the VMs on the internal network of the swarm's name. What each is, its hypervisor and
its engine say; there is no file of ours about it, so every command can be killed and run again.
"""

from __future__ import annotations

from boot2docker_py.machine.swarm.rows import Row
from boot2docker_py.machine.swarm.swarm import Swarm
from boot2docker_py.machine.swarm.wishes import Wishes

__all__ = ["Row", "Swarm", "Wishes"]
