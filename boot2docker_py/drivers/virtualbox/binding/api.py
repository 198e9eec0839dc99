"""VirtualBox's API, found, loaded, and with the numbers of the installed version.

The binding is `vboxapi`, the glue that comes with VirtualBox, over XPCOM or COM. The driver speaks
pyvbox, whose objects lie above those of the binding.
"""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, ContextManager

from boot2docker_py import paths
from boot2docker_py.drivers.virtualbox.binding import (
    crashes,
    failures,
    loading,
    numbers,
    places,
    server,
)
from boot2docker_py.errors import Boot2DockerError, HypervisorEndedError

if TYPE_CHECKING:
    from virtualbox.library import ISession, IVirtualBox

    from boot2docker_py.drivers.base import OnHang


class API:
    """A connection to the VirtualBox of this user; made by `connect`."""

    def __init__(self, manager: Any, watch: server.Watch | None = None) -> None:
        self._watch = watch
        self._platform = manager.platform
        self.raw = self._platform.getVirtualBox()
        # The manager closes the connection when it is collected, which at the end of Python fails
        # with a traceback; the end of the process closes it as well.
        manager.platform = None
        is_xpcom = self._platform.getType() == "XPCOM"
        self._members_of = numbers.members_by_xpcom if is_xpcom else numbers.members_by_com
        self._members: dict[str, numbers.Members] = {}

    def calling(self) -> ContextManager[None]:
        """Have an eye on the server while the block lasts, which may call it."""
        return self._watch.calling() if self._watch else contextlib.nullcontext()

    @cached_property
    def version(self) -> tuple[int, int]:
        """Return the installed version, as in (7, 2)."""
        major, minor = self.raw.version.split(".")[:2]
        return int(major), int(minor)

    @cached_property
    def library(self) -> Any:
        """Return pyvbox's interfaces and enumerations, right for the installed version."""
        from boot2docker_py.drivers.virtualbox.binding import pyvbox  # see vm/status.py

        return pyvbox.Library(self.members)

    @cached_property
    def virtualbox(self) -> IVirtualBox:
        """Return the first of all objects."""
        return self.library.IVirtualBox(self.raw)

    def new_session(self) -> ISession:
        """Return a session that holds no machine yet."""
        return self.library.ISession(self._platform.getSessionObject())

    def members(self, enumeration: str) -> numbers.Members:
        """Return the members that the installed version has in an enumeration, by its IDL names.

        Versions have moved the numbers, so that none is written down here.
        """
        if enumeration not in self._members:
            self._members[enumeration] = self._members_of(enumeration)
        return self._members[enumeration]

    def member(self, enumeration: str, number: int) -> str:
        """Return the member that a number stands for, or unknown(number)."""
        names = (name for name, one in self.members(enumeration).items() if one == number)
        return next(names, f"unknown({number})")

    def array(self, raw: Any, attribute: str) -> list[Any]:
        """Return an array of an object of the binding, which XPCOM and COM give differently."""
        return list(self._platform.getArray(raw, attribute) or [])


def connect(on_hang: OnHang | None = None) -> API:
    """Load the binding and connect; VirtualBox's server is started when it does not run.

    `on_hang` is called, in another thread, when a call waits for a server that has ended.

    Raises:
        HypervisorError: VirtualBox or its Python support is not there, or it refuses.
    """
    system = places.this_system()
    watch = server.watch(on_hang) if on_hang else None
    try:
        with loading.quiet(), watch.calling() if watch else contextlib.nullcontext():
            glue = loading.load(system, paths.find(os.environ).good_binding)
            api = API(glue.VirtualBoxManager(None, None), watch)
    except Boot2DockerError:
        raise
    except Exception as error:
        result = failures.result_of(error)
        if result and result[0] in failures.SERVER_DIED:
            raise failures.error_of(*result) from error
        found = places.installation(system)
        bindings = crashes.binding_names(found.program) if found else []
        raise loading.why(error, system, found, bindings) from error
    if api.raw is None:
        raise HypervisorEndedError("VirtualBox's server does not answer", resolution=failures.AGAIN)
    if watch:
        watch.connected()
    return api
