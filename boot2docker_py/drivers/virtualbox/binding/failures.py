"""Translate VirtualBox's exceptions into our errors; nothing else catches them.

Result codes are those of VirtualBox.xidl and of COM.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Callable, Iterator

from boot2docker_py.drivers.virtualbox.binding import pyvbox
from boot2docker_py.errors import (
    Boot2DockerError,
    BusyError,
    HypervisorEndedError,
    HypervisorError,
    StorageError,
)

if TYPE_CHECKING:
    from virtualbox.library import IProgress, IVirtualBoxErrorInfo

    from boot2docker_py.advice import KnownFailure
    from boot2docker_py.wait import Clock

OBJECT_NOT_FOUND = 0x80BB0001
OBJECT_IN_USE = 0x80BB000C
INVALID_ARGUMENT = 0x80070057
ACCESS_DENIED = 0x80070005
_DISPATCH_EXCEPTION = 0x80020009
SERVER_DIED = {0x80004004, 0x800706BA, 0x800706BE, 0x800706BF, 0x80010108}

LOOKS_EACH_MS = 200  # it returns at once when all is done
STANDS_STILL_S = 900.0

AGAIN = "Run the command again; if that fails too, end all of VirtualBox first."


class APIError(HypervisorError):
    """A call of VirtualBox's API failed; `result_code` says how, unsigned.

    Where the failure is a known one, it has that one's advice and exit status.
    """

    def __init__(self, result_code: int, text: str, known: KnownFailure | None = None) -> None:
        super().__init__(
            "VirtualBox refuses" + (f": {known.diagnosis}" if known else ""),
            details=_words(result_code, text),
            resolution=known.advice if known else "",
        )
        self.result_code = result_code
        self.text = text
        if known:
            self.exit_status, self.code = known.kind.exit_status, known.kind.code


def _words(result_code: int, text: str) -> str:
    return f"{text} (0x{result_code:08x})"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the binding raises into our errors."""
    try:
        yield
    except Boot2DockerError:
        raise
    except Exception as error:
        found = result_of(error)
        if found is None:
            raise
        raise error_of(*found) from error


def error_of(result_code: int, text: str, platform: str = sys.platform) -> Boot2DockerError:
    """Return the error for a result code and what VirtualBox says of it."""
    if result_code in SERVER_DIED:
        return HypervisorEndedError(
            "VirtualBox's server ended during the command", details=text, resolution=AGAIN
        )
    known = _known(_words(result_code, text), platform)
    if known and known.kind in (BusyError, StorageError):
        return known.kind(known.diagnosis, details=text, resolution=known.advice)
    return APIError(result_code, text, known)


def advice(text: str, platform: str = sys.platform) -> str:
    """Return what to do about a failure, from its words; empty when it is not a known one."""
    known = _known(text, platform)
    return known.advice if known else ""


def _known(text: str, platform: str) -> KnownFailure | None:
    from boot2docker_py.advice import diagnose  # only here: most commands do not fail
    from boot2docker_py.drivers.virtualbox.binding.known_failures import TABLE

    return next(iter(diagnose(TABLE, [text], platform)), None)


def wait(progress: IProgress, clock: Clock = time) -> None:
    """Wait for an operation of VirtualBox to end, and raise what it failed with."""
    until_done(progress, clock=clock)
    result_code = progress.result_code & 0xFFFFFFFF
    if result_code:
        raise error_of(result_code, " | ".join(_chain(progress.error_info)) or "no reason given")


def until_done(
    progress: IProgress, show: Callable[[int], object] = lambda _: None, clock: Clock = time
) -> None:
    """Wait for an operation of VirtualBox to end, well or not; `show` hears the percent.

    Raises:
        HypervisorError: it has come no further for a quarter of an hour, as when the process of
            the VM hangs.
    """
    reached, since_s = -1, clock.monotonic()
    while not progress.completed:
        progress.wait_for_completion(LOOKS_EACH_MS)
        percent = int(progress.percent)
        show(percent)
        if percent != reached:
            reached, since_s = percent, clock.monotonic()
        elif clock.monotonic() - since_s > STANDS_STILL_S:
            raise HypervisorError(
                "an operation of VirtualBox stands still",
                details=f"{progress.description}: {percent} % for {STANDS_STILL_S:g} s",
                resolution="End the process of the VM (VBoxHeadless), then run the command again.",
            )


def _chain(info: IVirtualBoxErrorInfo) -> Iterator[str]:
    while pyvbox.given(info) is not None:
        if info.text:
            yield info.text
        info = info.next_p


def result_of(error: BaseException) -> tuple[int, str] | None:
    """Return the result code, unsigned, and the text of what a binding raised; else None."""
    error = _by_binding(error)
    if hasattr(error, "hresult"):  # pywintypes.com_error
        result_code = error.hresult & 0xFFFFFFFF
        info = getattr(error, "excepinfo", None)
        if info and result_code == _DISPATCH_EXCEPTION:
            return info[5] & 0xFFFFFFFF, str(info[2] or "")
        return result_code, str(getattr(error, "strerror", ""))
    if type(error).__module__.partition(".")[0] == "xpcom" and hasattr(error, "errno"):
        return error.errno & 0xFFFFFFFF, str(getattr(error, "msg", "") or error)
    return None


def _by_binding(error: BaseException) -> BaseException:
    """Return what the binding has raised, which pyvbox hides.

    Its VBoxError has that as `exc`; of COM's errors it knows neither code nor words by itself. On
    Windows it fails, with TypeError, over one that has no words, as when the server has died.
    """
    is_of_pyvbox = type(error).__module__.partition(".")[0] == "virtualbox"
    if is_of_pyvbox and hasattr(error, "exc"):
        return error.exc  # type: ignore[no-any-return]
    behind = error.__context__
    if behind is not None and hasattr(behind, "hresult") and _is_of_pyvbox(error):
        return behind
    return error


def _is_of_pyvbox(error: BaseException) -> bool:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals["__name__"]).startswith("virtualbox.")
