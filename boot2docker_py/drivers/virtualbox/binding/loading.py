"""Loading `vboxapi`, the glue that comes with VirtualBox, and saying exactly what is missing."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any, Iterator, Sequence

from boot2docker_py.drivers.virtualbox.binding import crashes, places
from boot2docker_py.drivers.virtualbox.binding.failures import advice, result_of
from boot2docker_py.errors import HypervisorError

log = logging.getLogger(__name__)

HOW_TO_INSTALL = (
    "Install VirtualBox 5.2 or later with its Python support (package virtualbox of the system, "
    "or the installer of virtualbox.org)."
)
AGAIN_WITH_SUPPORT = (
    "Run VirtualBox's installer again, with its Python support; or, for Python 3.10 and later: "
    "pip install vbox-sdk"
)
_PYWIN32 = ("win32com", "pythoncom", "pywintypes", "win32api", "win32con", "winerror")
# REGDB_E_CLASSNOTREG, CO_E_CLASSSTRING, TYPE_E_LIBNOTREGISTERED of winerror.h
_NOT_REGISTERED = (0x80040154, 0x800401F3, 0x8002801D)


def load(system: places.System, remembered: Path) -> Any:
    """Return the module `vboxapi`; `remembered` names the binding that is known not to crash.

    Raises:
        HypervisorError: the binding would end this process.
        ImportError: it is not there.
    """
    if "vboxapi" in sys.modules:
        return sys.modules["vboxapi"]
    found = places.installation(system)
    if found and not system.is_windows:
        os.environ.update(found.environment(system.environ))
        crashes.demand_none(found, remembered)
    for folder in places.glue_folders(system, found):
        file = os.path.join(folder, "vboxapi", "__init__.py")  # noqa: PTH118
        if system.exists(file):
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


def why(
    error: Exception,
    system: places.System,
    found: places.Installation | None,
    bindings: Sequence[str] = (),
    *,
    is_64_bit: bool = sys.maxsize > 1 << 32,
) -> HypervisorError:
    """Return what is missing, by what loading and connecting have raised."""
    text = str(error)
    missing = (getattr(error, "name", "") or "").partition(".")[0]
    version = ".".join(map(str, system.python))
    result = result_of(error)
    if missing in _PYWIN32:
        brief = f"pywin32, by which Python {version} reaches VirtualBox, cannot be loaded"
        resolution = f'"{sys.executable}" -m pip install pywin32'
    elif result and result[0] in _NOT_REGISTERED and found and _is_half(system, is_64_bit):
        brief = "a 32-bit Python cannot reach this VirtualBox, which is for 64 bits"
        resolution = "Install a 64-bit Python and boot2docker with it."
    elif result and result[0] in _NOT_REGISTERED and found:
        brief = "VirtualBox is installed, but Windows does not know its API"
        resolution = "Repair it: run VirtualBox's installer again."
    elif (missing == "vboxapi" or (result and result[0] in _NOT_REGISTERED)) and not found:
        brief, resolution = "VirtualBox is not installed", HOW_TO_INSTALL
    elif missing in ("vboxapi", "xpcom"):
        brief, resolution = "VirtualBox is installed without its Python support", AGAIN_WITH_SUPPORT
    elif "Cannot find VBoxPython module" in text:
        made_for = _pythons(bindings)
        brief = f"VirtualBox's binding is not made for Python {version}"
        resolution = f"Run boot2docker with Python {made_for}, or update VirtualBox."
        if not made_for:
            resolution = AGAIN_WITH_SUPPORT
    elif isinstance(error, ImportError):
        brief, resolution = "VirtualBox's Python support cannot be loaded", AGAIN_WITH_SUPPORT
    else:
        brief = "VirtualBox's server cannot be reached"
        resolution = advice(text) or "Open the VirtualBox window once: what it says is the reason."
    return HypervisorError(brief, details=text, resolution=resolution)


def _is_half(system: places.System, is_64_bit: bool) -> bool:  # noqa: FBT001
    # Windows names the processor so only to 32-bit processes on 64-bit systems.
    return not is_64_bit and "PROCESSOR_ARCHITEW6432" in system.environ


def _pythons(bindings: Sequence[str]) -> str:
    found = (re.match(r"VBoxPython(\d)_(\d+)m?\.", name) for name in bindings)
    return " or ".join(dict.fromkeys(f"{one[1]}.{one[2]}" for one in found if one))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the binding prints away from both streams, what its C part prints too.

    It prints what goes wrong, tracebacks too; that goes to our log. Its C part crashes when a
    warning of Python's becomes an exception.
    """
    printed = io.StringIO()
    with warnings.catch_warnings(), _no_descriptors():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
    if printed.getvalue():
        log.debug("VirtualBox's binding printed: %s", printed.getvalue())


@contextlib.contextmanager
def _no_descriptors() -> Iterator[None]:
    kept: list[tuple[int, int]] = []
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
                stream.flush()
            with contextlib.suppress(OSError):  # closed
                kept.append((os.dup(descriptor), descriptor))
                os.dup2(nowhere, descriptor, inheritable=True)
        yield
    finally:
        for copy, descriptor in kept:
            os.dup2(copy, descriptor, inheritable=True)
            os.close(copy)
        os.close(nowhere)
