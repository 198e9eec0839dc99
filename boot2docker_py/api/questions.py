"""What a VM is, where it is reached, and what its logs say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from boot2docker_py.api.calls import Calls
from boot2docker_py.drivers.model import State, VMInfo
from boot2docker_py.errors import UsageError

if TYPE_CHECKING:
    from boot2docker_py.machine.doctor.findings import Finding


class Questions(Calls):
    """The questions about one VM."""

    @property
    def state(self) -> State:
        """Return the state of the VM as the hypervisor has it; `State.ABSENT` without one."""
        return self._parts().driver.state()

    def info(self) -> VMInfo:
        """Return what the VM is made of.

        Raises:
            NotFoundError: there is no VM.
        """
        return self._parts().questions.info()[0]

    def ip(self) -> str:
        """Return the address of the running VM: on its host-only network, else 127.0.0.1."""
        return self._parts().access.ip()

    def logs(self, name: str = "", *, lines: int = 100, timeout_s: float | None = None) -> bytes:
        """Return the end of a log: engine, boot, provision, console, forward or hypervisor.

        Without a name it is the one that tells most.

        Raises:
            UsageError: there is no such log, or less than none of its lines.
            WrongStateError: it is in the VM, which does not run.
        """
        from boot2docker_py.machine import logs as vm_logs

        parts = self._parts(timeout_s)
        wanted = name or vm_logs.most_useful(parts.questions.state())
        if wanted not in vm_logs.NAMES:
            raise UsageError(
                f"there is no log '{wanted}'", details=f"there are: {', '.join(vm_logs.NAMES)}"
            )
        if lines < 0:
            raise UsageError(f"the lines of a log are 0 or more, not {lines}")
        return vm_logs.end_of(parts, wanted, lines)

    def ssh_config(self) -> str:
        """Return the lines of ssh_config(5) for `ssh` to log in, by the VM's host name.

        Raises:
            NotFoundError: there is no VM.
        """
        from boot2docker_py.machine import ssh_host

        return ssh_host.of_vm(self._parts()).text()

    def doctor(self, *, fix: bool = False, timeout_s: float | None = None) -> Sequence[Finding]:
        """Look for what is wrong on this machine, in the VM, its engine and the docker client.

        With `fix`, do first what can be done safely about it; what is returned is left.
        """
        from boot2docker_py.machine.doctor import visit

        return visit.pay(self._parts(timeout_s), fix=fix, show=lambda _: None).found
