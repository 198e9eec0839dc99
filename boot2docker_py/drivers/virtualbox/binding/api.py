"""VirtualBox's API, found, loaded, and with the numbers of the installed version.

The binding is `vboxapi`, the glue that comes with VirtualBox, over XPCOM or COM. Its objects are
used as they are: their members are those of the SDK reference.
"""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, ContextManager, Iterator

from boot2docker_py import paths
from boot2docker_py.drivers.virtualbox.binding import crashes, failures, loading, places, server
from boot2docker_py.errors import Boot2DockerError, HypervisorEndedError

if TYPE_CHECKING:
    from boot2docker_py.drivers.base import OnHang


class API:
    """A connection to the VirtualBox of this user; made by `connect`."""

    def __init__(self, manager: Any, watch: server.Watch | None = None) -> None:
        self._watch = watch
        self._platform = manager.platform
        self.virtualbox = self._platform.getVirtualBox()
        # The manager closes the connection when it is collected, which at the end of Python fails
        # with a traceback; the end of the process closes it as well.
        manager.platform = None

    def calling(self) -> ContextManager[None]:
        """Have an eye on the server while the block lasts, which may call it."""
        return self._watch.calling() if self._watch else contextlib.nullcontext()

    @cached_property
    def version(self) -> tuple[int, int]:
        """Return the installed version, as in (7, 2)."""
        major, minor = self.virtualbox.version.split(".")[:2]
        return int(major), int(minor)

    def number(self, enumeration: str, member: str) -> int:
        """Return the number that the installed version has for a member of an enumeration.

        Versions have moved these numbers, so that none is written down here.
        """
        if self._platform.getType() == "XPCOM":
            import xpcom.components  # type: ignore[import-not-found]

            return int(getattr(getattr(xpcom.components.interfaces, enumeration), member))
        import win32com.client  # type: ignore[import-untyped]

        # Not the glue's own constants: that may be of another version than VirtualBox.
        return int(getattr(win32com.client.constants, f"{enumeration}_{member}"))

    def member(self, enumeration: str, number: int, known: Iterator[str]) -> str:
        """Return which of the `known` members a number stands for, or unknown(number)."""
        for name in known:
            with contextlib.suppress(AttributeError):  # of another version
                if self.number(enumeration, name) == number:
                    return name
        return f"unknown({number})"

    def array(self, thing: Any, attribute: str) -> list[Any]:
        """Return an attribute that is an array, which XPCOM and COM give in different ways."""
        return list(self._platform.getArray(thing, attribute) or [])

    def new_session(self) -> Any:
        """Return a session that holds no machine yet."""
        return self._platform.getSessionObject()


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
    if api.virtualbox is None:
        raise HypervisorEndedError("VirtualBox's server does not answer", resolution=failures.AGAIN)
    if watch:
        watch.connected()
    return api
