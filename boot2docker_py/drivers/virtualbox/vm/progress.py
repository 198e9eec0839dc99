"""Long operations of VirtualBox: followed, shown, and given up with the command that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from boot2docker_py.drivers.virtualbox.binding import failures

if TYPE_CHECKING:
    from virtualbox.library import IProgress

CANCELLED_WITHIN_MS = 60_000

# How far it is, in hundredths; may raise, to give it up.
Show = Callable[[int], None]


def no_show(_percent: int) -> None:
    """Show nothing."""


def follow(progress: IProgress, show: Show = no_show) -> None:
    """Wait for an operation to end, and raise what it failed with; cancel it if we are stopped."""
    try:
        failures.until_done(progress, show)
    except BaseException:
        with failures.translated():
            if progress.cancelable:
                progress.cancel()
            progress.wait_for_completion(CANCELLED_WITHIN_MS)
        raise
    failures.wait(progress)
    show(100)
