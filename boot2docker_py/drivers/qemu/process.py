"""The QEMU process of one VM: started detached, asked and ended through its control socket.

It is never looked for by a number. It holds a lock from before its first instruction to its last,
which tells that it lives, and listens at its control socket, which tells all the rest.

On Windows the lock is not handed on and the control socket is a port on 127.0.0.1 with TLS, because
Python there has no Unix sockets; so is the serial console.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ContextManager, Iterator, Sequence

from boot2docker_py import lock
from boot2docker_py.drivers import ports
from boot2docker_py.drivers.qemu import internal_network, qmp, tls
from boot2docker_py.drivers.qemu.files import (
    Files,
    Settings,
    opened_private,
    read_settings,
    remove_all,
)
from boot2docker_py.errors import HypervisorError, StorageError
from boot2docker_py.host import detached, port_holder
from boot2docker_py.paths import VMPaths
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

PAUSE_S = 0.02  # a question costs QEMU a thousandth of a second, and each step of a reset waits

PROGRAM = "qemu-system-"  # how the names of its programs begin
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 30.0
_LOG_TAIL_BYTES = 4000


class EndedError(Exception):
    """QEMU ended instead of starting; the text is its own."""


def uses_port(platform: str = sys.platform) -> bool:
    """Tell whether QEMU listens at a TCP port, for want of Unix sockets in Python."""
    return platform == "win32"


def _lock_holder(path: Path) -> int:
    """Return the process that holds the file locked in the way QEMU locks its `-pidfile`, or 0.

    `struct flock` of fcntl(2): on 64-bit Linux it begins with the type, on macOS it ends with it.
    """
    if sys.platform == "win32":
        return 0
    else:
        import fcntl

        layout, kind_at, pid_at = ("qqihh", 3, 2) if sys.platform == "darwin" else ("hhqqi", 0, 4)
        question = [0] * 5
        question[kind_at] = fcntl.F_WRLCK
        with path.open("rb") as file:
            answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(layout, *question))
        fields = struct.unpack(layout, answer)
        return 0 if fields[kind_at] == fcntl.F_UNLCK else int(fields[pid_at])


def _options(hand_on: Sequence[int]) -> dict[str, Any]:
    """Return the options of Popen that only some systems have."""
    if sys.platform == "win32":
        return {}
    else:
        return {"cwd": "/", "pass_fds": tuple(hand_on)}


class Process:
    """The QEMU of one VM, whether it runs or not."""

    def __init__(self, paths: VMPaths, answer_timeout_s: float, *, uses_port: bool) -> None:
        self.name = paths.name
        self.uses_port = uses_port
        self._answer_timeout_s = answer_timeout_s
        self.files = Files(paths.folder)
        self._paths = paths
        self._socket = paths.qmp_socket

    def endpoint(self) -> qmp.Endpoint:
        """Return where QEMU listens."""
        if not self.uses_port:
            return self._socket
        try:
            settings = read_settings(self.files.settings)
            port, spares = settings.qmp_port, tuple(settings.qmp_spares)
        except (FileNotFoundError, StorageError):
            port, spares = 0, ()  # where no program can listen
        return tls.Port(port, self.files.credentials, spares)

    def join_console(self, timeout_s: float) -> tls.Conversation:
        """Return a connection to the serial console, where that is a port.

        Raises:
            OSError: none can be had.
        """
        port = read_settings(self.files.settings).console_port
        return tls.converse(tls.Port(port, self.files.credentials), timeout_s)

    def place_on_network(self, settings: Settings) -> internal_network.Place | None:
        """Return where the VM is on its internal network, None if it is on none."""
        return internal_network.place_of(settings, self._paths)

    def _connect(self, timeout_s: float = 0) -> ContextManager[qmp.Monitor]:
        return qmp.connect(self.endpoint(), timeout_s or self._answer_timeout_s)

    def status(self) -> str:
        """Return the run state of https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html.

        Empty when there is no process.

        Raises:
            qmp.NoAnswerError: there is one, and it cannot be asked.
        """
        deadline = Deadline(self._answer_timeout_s)
        while True:
            try:
                with self._connect() as monitor:
                    answer = monitor.execute("query-status")
                    return str(answer["status"])
            except qmp.NotListeningError:
                if not self._is_alive():
                    return ""
            except (qmp.RefusedError, LookupError, TypeError) as error:
                raise qmp.NoAnswerError(f"it does not say how it is: {error}") from error
            # It is about to listen, or about to end; anything else is not right.
            if deadline.has_passed():
                raise qmp.NoAnswerError("its control socket is gone")
            deadline.clock.sleep(PAUSE_S)

    def needed_status(self) -> str:
        """Return the run state for what cannot go on without it; no answer is a HypervisorError."""
        with self._explained():
            return self.status()

    def execute(self, command: str, **arguments: object) -> Any:
        """Run one QMP command."""
        with self.monitor() as monitor:
            return monitor.execute(command, **arguments)

    @contextlib.contextmanager
    def monitor(self, timeout_s: float = 0) -> Iterator[qmp.Monitor]:
        """Talk to QEMU for a `with` block; what goes wrong is a HypervisorError.

        `timeout_s` is for what takes longer than an answer.
        """
        with self._explained(), self._connect(timeout_s) as monitor:
            yield monitor

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (qmp.NoAnswerError, qmp.NotListeningError, qmp.RefusedError) as error:
            raise HypervisorError(
                f"QEMU does not do what the VM '{self.name}' needs",
                details=str(error),
                resolution="Look at its log, or cut the power: boot2docker poweroff",
            ) from error

    def start(
        self,
        command: Sequence[str],
        hand_on: Sequence[int] = (),
        timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        """Start QEMU detached from us; returns when it answers.

        The open files in `hand_on` are QEMU's too.

        Raises:
            EndedError: it ended.
            HypervisorError: it does not answer, or another one still lives.
        """
        with self._locked() as lock_descriptor:
            self._prepare()
            process = self._spawn(command, [lock_descriptor, *hand_on])
            try:
                self._wait_for_answer(process, Deadline(timeout_s))
            except BaseException:
                process.kill()
                process.wait()
                raise
        # A child whose exit status is not taken stays as a zombie.
        threading.Thread(target=process.wait, daemon=True).start()

    def end(self) -> None:
        """End QEMU, by a kill when it does not answer; returns when it has ended.

        What it had to write is on the disk.
        """
        timeout_s = self._answer_timeout_s
        try:
            with contextlib.suppress(qmp.NotListeningError), self._connect() as monitor:
                monitor.execute("quit")
                timeout_s = END_TIMEOUT_S  # it writes first what it still has for the disk
            self._wait_for_end(Deadline(timeout_s))
        except (qmp.NoAnswerError, qmp.RefusedError):
            self._kill()

    def pid(self) -> int:
        """Return the number of the living process, as the operating system has it; else 0."""
        endpoint = self.endpoint()
        if isinstance(endpoint, tls.Port) and sys.platform == "win32":
            return port_holder.process_listening(ports.HOST, endpoint.number, PROGRAM)
        try:
            return _lock_holder(self.files.running)
        except FileNotFoundError:
            return 0

    def _kill(self) -> None:
        pid = self.pid()
        log.warning("QEMU does not answer, so its process %d is killed", pid)
        try:
            if pid:
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            self._wait_for_end(Deadline(END_TIMEOUT_S if pid else 0))
        except (qmp.NoAnswerError, OSError) as error:
            raise HypervisorError(
                f"QEMU of the VM '{self.name}' can be neither asked nor ended",
                details=str(error),
                resolution="End the process qemu-system-x86_64 of this VM by hand.",
            ) from error
        # Killed on the user's word: that is a power-off, not a crash.
        self.files.running.unlink(missing_ok=True)

    def _wait_for_end(self, deadline: Deadline) -> None:
        while self._is_alive():
            if deadline.has_passed():
                raise qmp.NoAnswerError("it does not end")
            deadline.clock.sleep(PAUSE_S)

    def _is_alive(self) -> bool:
        if not self.files.lock.exists():
            return False
        with self.files.lock.open("r+b") as file:
            return not lock.try_lock(file)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        deadline = Deadline(self._answer_timeout_s)
        with opened_private(self.files.lock):
            pass
        with self.files.lock.open("r+b") as file:
            while not lock.try_lock(
                file
            ):  # another process asks whether it is locked, for an instant
                if deadline.has_passed():
                    raise HypervisorError(
                        f"another QEMU of the VM '{self.name}' is alive",
                        resolution="Cut its power: boot2docker poweroff",
                    )
                deadline.clock.sleep(PAUSE_S)
            yield file.fileno()

    def _prepare(self) -> None:
        """Remove what a QEMU that did not end in order has left; make what the next one reads."""
        self.files.running.unlink(missing_ok=True)
        self._socket.unlink(missing_ok=True)
        remove_all([self.files.credentials])
        if self.uses_port:
            tls.make_credentials(self.files.credentials)

    def _spawn(self, command: Sequence[str], hand_on: Sequence[int]) -> subprocess.Popen[bytes]:
        log.debug("running %s", " ".join(command))
        with opened_private(self.files.log) as output:
            return detached.start(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **_options(hand_on),
            )

    def _wait_for_answer(self, process: subprocess.Popen[bytes], deadline: Deadline) -> None:
        while True:
            try:
                with qmp.connect(self.endpoint(), deadline.remaining_s()):
                    return
            except qmp.NotListeningError:
                if process.poll() is not None:
                    raise EndedError(self.words()) from None
            except qmp.NoAnswerError:
                raise HypervisorError(
                    f"QEMU of the VM '{self.name}' started, but does not answer",
                    details=self.words(),
                ) from None
            if deadline.has_passed():
                raise HypervisorError(
                    f"QEMU of the VM '{self.name}' does not come up", details=self.words()
                )
            deadline.clock.sleep(0.02)

    def words(self) -> str:
        """Return the end of what QEMU has said since its last start."""
        try:
            return self.files.log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""
