"""VMs for scripts and tests: what the commands do, as methods that return what they did.

```python
from boot2docker_py.api import VM

with VM("ci") as vm:  # brought up if need be; left as it was found
    vm.reset(to="clean")
    done = vm.run(["cat", "/etc/hostname"], check=True)  # as subprocess.run
    vm.copy_out("/etc/hostname", "hostname.txt")
    docker_host = vm.docker_host  # for docker.DockerClient(base_url=...)
```

Nothing is printed, and no docker context is made or chosen. Each method has a deadline of its own,
raises the errors of `boot2docker_py.errors`, and may be called from any thread and process: only
one at a time changes a VM, and the others wait.
"""

import logging

from boot2docker_py.api.many import ls
from boot2docker_py.api.vm import VM
from boot2docker_py.drivers.many import Listed
from boot2docker_py.drivers.model import Snapshot, State, VMInfo
from boot2docker_py.image import Image, Offer
from boot2docker_py.machine.changing import Change
from boot2docker_py.machine.images.upgrades import Pinned, Upgraded
from boot2docker_py.machine.resets import Reset
from boot2docker_py.machine.steps import Step

__all__ = [
    "VM",
    "Change",
    "Image",
    "Listed",
    "Offer",
    "Pinned",
    "Reset",
    "Snapshot",
    "State",
    "Step",
    "Upgraded",
    "VMInfo",
    "ls",
]

# Without it Python would print our warnings for a program that has set up no log.
logging.getLogger("boot2docker_py").addHandler(logging.NullHandler())
