"""VirtualBox's API, found, loaded, and with the numbers of the installed version.

The binding is `vboxapi`, the glue that comes with VirtualBox, over XPCOM or COM. Its objects are
used as they are: their members are those of the SDK reference.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ntpath
import os
import posixpath
import sys
import warnings
from functools import cached_property
from typing import Any, Iterator, Mapping

from boot2docker_py.drivers.virtualbox import failures
from boot2docker_py.errors import HypervisorError

HOW_TO_INSTALL = (
    "Install VirtualBox 5.2 or later with its Python support (package virtualbox of the system, "
    "or the installer of virtualbox.org; on Windows also: pip install pywin32)."
)


class API:
    """A connection to the VirtualBox of this user; made by `connect`."""

    def __init__(self, manager: Any) -> None:
        self._platform = manager.platform
        self.virtualbox = self._platform.getVirtualBox()
        # The manager closes the connection when it is collected, which at the end of Python fails
        # with a traceback; the end of the process closes it as well.
        manager.platform = None

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


def connect() -> API:
    """Load the binding and connect; VirtualBox's server is started when it does not run.

    Raises:
        HypervisorError: VirtualBox or its Python support is not there, or it refuses.
    """
    try:
        with _quiet():
            api = API(_load().VirtualBoxManager(None, None))
    except ImportError as error:
        raise HypervisorError(
            "VirtualBox, or its Python support, is not installed",
            details=str(error),
            resolution=failures.advice(str(error)) or HOW_TO_INSTALL,
        ) from error
    except Exception as error:
        raise HypervisorError(
            "VirtualBox's server cannot be reached",
            details=str(error),
            resolution=failures.advice(str(error))
            or "Open the VirtualBox window once: what it says is the reason.",
        ) from error
    if api.virtualbox is None:
        raise HypervisorError("VirtualBox's server does not answer", resolution=failures.AGAIN)
    return api


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # The binding prints what goes wrong, tracebacks too, to both streams. Its C part crashes
    # when a warning of Python's becomes an exception.
    with open(os.devnull, "w") as nowhere, warnings.catch_warnings():  # noqa: PTH123
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield


def places(platform: str, environ: Mapping[str, str]) -> list[str]:
    """Return the folders in which installations of VirtualBox have put `vboxapi`."""
    if platform == "win32":
        folder = environ.get("VBOX_MSI_INSTALL_PATH") or environ.get("VBOX_INSTALL_PATH")
        folder = folder or ntpath.join(
            environ.get("ProgramW6432") or r"C:\Program Files", "Oracle", "VirtualBox"
        )
        sdk, join = ntpath.join(folder, "sdk"), ntpath.join
    elif platform == "darwin":
        sdk, join = "/Applications/VirtualBox.app/Contents/MacOS/sdk", posixpath.join
    else:
        sdk, join = environ.get("VBOX_SDK_PATH") or "/usr/lib/virtualbox/sdk", posixpath.join
    found = [join(sdk, "install"), join(sdk, "installer")]
    found += [join(sdk, name, "python", "vboxapi", "src") for name in ("install", "installer")]
    if platform not in ("win32", "darwin"):
        found = ["/usr/lib/python3/dist-packages", *found, "/opt/VirtualBox/sdk/installer"]
    return found


def _load() -> Any:
    if "vboxapi" in sys.modules:
        return sys.modules["vboxapi"]
    for place in places(sys.platform, os.environ):
        file = os.path.join(place, "vboxapi", "__init__.py")  # noqa: PTH118
        if os.path.exists(file):  # noqa: PTH110
            return _load_from(file)
    import vboxapi  # type: ignore[import-not-found]

    return vboxapi


def _load_from(file: str) -> Any:
    folder = os.path.dirname(file)  # noqa: PTH120
    found = importlib.util.spec_from_file_location(
        "vboxapi", file, submodule_search_locations=[folder]
    )
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["vboxapi"] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules["vboxapi"]
        raise
    return module
