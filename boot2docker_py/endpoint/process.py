"""Start, ask and stop the forwarder of a VM. All is found through its control socket."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from boot2docker_py import __version__, lock
from boot2docker_py.endpoint import control
from boot2docker_py.endpoint.status import ForwarderStatus, Phase, Settings
from boot2docker_py.errors import BusyError, GuestError
from boot2docker_py.host import detached
from boot2docker_py.paths import VMPaths, make_private_folder
from boot2docker_py.wait import Check, Deadline, wait_for

log = logging.getLogger(__name__)

MODULE = "boot2docker_py.endpoint"
STOP_POLITELY_S = 3.0
STOP_WITHIN_S = 20.0
LOG_TAIL_BYTES = 2000


def start(settings: Settings, deadline: Deadline) -> ForwarderStatus:
    """Start the forwarder and return when it answers questions; it connects in its own time.

    One that runs already is kept if it would do the same, else replaced; there is never a second.
    It looks for the VM at once.

    Raises:
        GuestError: it ended at once; the details are the end of its log.
        BusyError: an older one cannot be stopped.
    """
    paths = settings.paths
    running = status(paths)
    if running is not None:
        if _does_the_same(running, settings):
            _tell(paths, "wake")
            return running
        stop(paths)
    make_private_folder(paths.run)
    # Not the log, which could not be renamed on Windows while it is the stderr of another process:
    # that of a virtual environment's python.exe, which waits for the real one.
    with tempfile.TemporaryFile() as words:
        child = _spawn(settings, words)
        return _wait_until_it_answers(child, words, settings, deadline)


def run_here(settings: Settings) -> None:
    """Run the forwarder in this process until it has to end, by Ctrl-C for example.

    Raises:
        BusyError: another one runs.
    """
    from boot2docker_py.endpoint import forwarder

    make_private_folder(settings.paths.run)
    forwarder.serve(settings)


def status(paths: VMPaths) -> ForwarderStatus | None:
    """Return the health of the forwarder, or None if there is none."""
    peer = control.find(paths.forwarder_control)
    if peer is None:
        return None
    with peer:
        answer = peer.ask("status")
    try:
        if answer is not None:
            return ForwarderStatus.from_dict(answer)
    except ValueError as error:
        log.debug("the forwarder's answer is none: %s", error)
    return ForwarderStatus(version="", pid=peer.pid, phase=Phase.SILENT)


def expect_stop(paths: VMPaths) -> None:
    """Let the forwarder, if there is one, end what the engine would wait for at its end.

    A forwarder of an older version ignores it; the engine then waits for its streams.
    """
    _tell(paths, "expect_stop")


def wake(paths: VMPaths) -> None:
    """Let the forwarder, if there is one, look now at what has become of the VM and its engine."""
    _tell(paths, "wake")


def rest(paths: VMPaths) -> None:
    """Let the forwarder, if there is one, let go of a VM that is about to stop."""
    _tell(paths, "rest")


def published(paths: VMPaths) -> dict[str, Any] | None:
    """Return what the forwarder says of published ports, None if it does not answer."""
    peer = control.find(paths.forwarder_control)
    if peer is None:
        return None
    with peer:
        return peer.ask("ports")


def stop(paths: VMPaths) -> None:
    """End the forwarder, politely first; returns when it is gone. Does nothing if there is none.

    Raises:
        BusyError: it does not end.
    """
    deadline = Deadline(STOP_WITHIN_S)
    while not _is_gone(paths):
        if deadline.has_passed():
            raise BusyError(
                "the forwarder of the VM does not end",
                details=f"it holds '{paths.forwarder_lock}'",
                resolution="End the process that the details name, or log out and in again.",
            )
        _end_the_running_one(paths)
        deadline.clock.sleep(0.05)


def _does_the_same(running: ForwarderStatus, settings: Settings) -> bool:
    return (
        running.version == __version__
        and running.address == str(settings.address)
        and running.key == str(settings.key)
        and running.publish == settings.publish
        and running.tcp_port == settings.tcp_port
        and running.is_plain == settings.is_plain
        and running.swarm_socket == str(settings.swarm_socket or "")
        and running.phase not in (Phase.FAILED, Phase.SILENT)
    )


def _spawn(settings: Settings, words: IO[bytes]) -> subprocess.Popen[bytes]:
    # The folder that this package was found in is the child's first place to look, too.
    home_of_package = Path(__file__).parents[2]
    child = detached.start(
        [sys.executable, "-m", MODULE, settings.to_json()],
        cwd=home_of_package,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=words,
    )
    # Reap the child while we live; the system does when we are gone.
    threading.Thread(target=child.wait, daemon=True).start()
    return child


def _wait_until_it_answers(
    child: subprocess.Popen[bytes], words: IO[bytes], settings: Settings, deadline: Deadline
) -> ForwarderStatus:
    found: list[ForwarderStatus] = []

    def probe(_deadline: Deadline) -> str | None:
        running = status(settings.paths)
        if running and (running.pid == child.pid or _does_the_same(running, settings)):
            found.append(running)
            return None
        if child.poll() is not None:
            raise GuestError(
                "the forwarder of the VM ended as soon as it had started",
                details=_end_of(words) or _end_of_log(settings.paths.forwarder_log),
                resolution=f"Its log is '{settings.paths.forwarder_log}'.",
            )
        return "it does not answer yet"

    wait_for([Check("the forwarder", probe)], deadline, pause_s=0.02)
    return found[0]


def _end_of(words: IO[bytes]) -> str:
    words.seek(0)
    return words.read()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


def _end_of_log(path: Path) -> str:
    try:
        with path.open("rb") as log_file:
            return _end_of(log_file)
    except OSError as error:
        return f"no log: {error}"


def _is_gone(paths: VMPaths) -> bool:
    if not paths.forwarder_lock.exists():
        return True
    with paths.forwarder_lock.open("r+b", buffering=0) as file:
        return lock.try_lock(file)


def _end_the_running_one(paths: VMPaths) -> None:
    """Ask it to end; kill it when the same one is still there after a while."""
    first = _tell(paths, "stop")
    polite = Deadline(STOP_POLITELY_S)
    while not polite.has_passed():
        if _is_gone(paths):
            return
        polite.clock.sleep(0.02)
        if _tell(paths, "stop") != first:
            return
    # Asked again for its number just now: it must be a fresh one.
    if first and _tell(paths, "stop") == first:
        log.warning("the forwarder, process %d, does not end by itself", first)
        _kill(first)


def _tell(paths: VMPaths, what: str) -> int:
    """Say a word to the forwarder; return the number of its process, 0 if there is none."""
    peer = control.find(paths.forwarder_control)
    if peer is None:
        return 0
    with peer:
        peer.ask(what)
        return peer.pid


def _kill(pid: int) -> None:
    if sys.platform == "win32":
        os.kill(pid, signal.SIGTERM)  # ends the process at once, on Windows
    else:
        os.kill(pid, signal.SIGKILL)
