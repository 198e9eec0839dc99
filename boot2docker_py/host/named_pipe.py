r"""Named pipes of Windows: where docker looks for an engine there, and how we are asked.

After Microsoft's pages "CreateNamedPipeW", "ConnectNamedPipe", "Named Pipe Security and Access
Rights", "Named Pipe Type, Read, and Wait Modes", "CancelIoEx" and "Security Descriptor String
Format". A pipe of type *message* that is read as bytes: the docker client (its go-winio,
`pipe.go`) ends its own bytes with a message of no bytes there, and takes one from us.

Run under Wine with a Python for Windows; not run on Windows itself.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

PREFIX = "\\\\.\\pipe\\"
DOCKER_DEFAULT = PREFIX + "docker_engine"
BUFFER_BYTES = 64 * 1024

# winbase.h
PIPE_ACCESS_DUPLEX = 0x00000003
FILE_FLAG_FIRST_PIPE_INSTANCE = 0x00080000
FILE_FLAG_OVERLAPPED = 0x40000000
PIPE_TYPE_MESSAGE = 0x00000004
PIPE_REJECT_REMOTE_CLIENTS = 0x00000008


def pipe_of_vm(vm_name: str) -> str:
    """Return the name of the pipe at which the engine of a VM is served; each VM has its own."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", vm_name)
    return (
        PREFIX + "boot2docker-" + (plain if plain == vm_name else f"{plain}-{_digest(vm_name)[:8]}")
    )


def pipe_at(path: Path) -> str:
    """Return the name of the pipe that stands for a Unix socket at `path`."""
    # Windows takes paths in either case for the same.
    return f"{PREFIX}boot2docker-{_digest(os.path.normcase(str(path)))[:32]}"


def docker_host(pipe: str) -> str:
    """Return the address of a pipe as `DOCKER_HOST` has it."""
    return "npipe://" + pipe.replace("\\", "/")


def open_mode(*, is_first: bool) -> int:
    """Return how an instance is opened; the first one fails where another program has the name."""
    mode = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED
    return mode | FILE_FLAG_FIRST_PIPE_INSTANCE if is_first else mode


def pipe_mode() -> int:
    """Return the type of our pipes: messages, read as bytes, from this machine only."""
    return PIPE_TYPE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS


def access_for(user_sid: str) -> str:
    """Return the security descriptor, in SDDL, that lets one user in and no other.

    It is the user's own: that of an administrator's process would belong to a group without this.
    """
    return f"O:{user_sid}D:P(A;;GA;;;{user_sid})"


def _digest(text: str) -> str:
    import hashlib  # not where it is not needed: it takes a tenth of a short command

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


if sys.platform == "win32":
    import ctypes
    import logging
    import threading
    import time
    from ctypes import wintypes
    from typing import Any

    log = logging.getLogger(__name__)

    _TRUE, _FALSE = 1, 0
    _ERROR_MORE_DATA = 234
    _ERROR_IO_PENDING = 997
    _ERROR_PIPE_CONNECTED = 535
    _ERROR_PIPE_BUSY = 231
    _ERROR_OPERATION_ABORTED = 995
    _WAIT_OBJECT_0 = 0
    _INFINITE = 0xFFFFFFFF
    _INVALID_HANDLE = ctypes.c_void_p(-1).value
    _UNLIMITED_INSTANCES = 255
    _GENERIC_READ, _GENERIC_WRITE, _OPEN_EXISTING = 0x80000000, 0x40000000, 3
    _TOKEN_QUERY, _TOKEN_USER = 0x0008, 1
    _READ_CONTROL, _KERNEL_OBJECT, _OWNER_INFORMATION = 0x00020000, 6, 1
    _PAUSE_S = 0.1
    # A server may not act in the name of its client: winbase.h, SECURITY_SQOS_PRESENT.
    _ANONYMOUS = 0x00100000

    class _Overlapped(ctypes.Structure):
        _fields_ = (
            ("Internal", ctypes.c_void_p),
            ("InternalHigh", ctypes.c_void_p),
            ("Offset", wintypes.DWORD),
            ("OffsetHigh", wintypes.DWORD),
            ("hEvent", wintypes.HANDLE),
        )

    class _SecurityAttributes(ctypes.Structure):
        _fields_ = (
            ("nLength", wintypes.DWORD),
            ("lpSecurityDescriptor", ctypes.c_void_p),
            ("bInheritHandle", wintypes.BOOL),
        )

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)

    def _declare(library: Any, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        return function

    _H, _D, _B, _P = wintypes.HANDLE, wintypes.DWORD, wintypes.BOOL, ctypes.c_void_p
    _create = _declare(
        _kernel32, "CreateNamedPipeW", _H, wintypes.LPCWSTR, _D, _D, _D, _D, _D, _D, _P
    )
    _connect = _declare(_kernel32, "ConnectNamedPipe", _B, _H, _P)
    _open = _declare(_kernel32, "CreateFileW", _H, wintypes.LPCWSTR, _D, _D, _P, _D, _D, _H)
    _read = _declare(_kernel32, "ReadFile", _B, _H, _P, _D, _P, _P)
    _write = _declare(_kernel32, "WriteFile", _B, _H, _P, _D, _P, _P)
    _result = _declare(_kernel32, "GetOverlappedResult", _B, _H, _P, _P, _B)
    _cancel = _declare(_kernel32, "CancelIoEx", _B, _H, _P)
    _event = _declare(_kernel32, "CreateEventW", _H, _P, _B, _B, wintypes.LPCWSTR)
    _wait = _declare(_kernel32, "WaitForSingleObject", _D, _H, _D)
    _close = _declare(_kernel32, "CloseHandle", _B, _H)
    _local_free = _declare(_kernel32, "LocalFree", _P, _P)
    _server_pid = _declare(_kernel32, "GetNamedPipeServerProcessId", _B, _H, _P)
    _wait_pipe = _declare(_kernel32, "WaitNamedPipeW", _B, wintypes.LPCWSTR, _D)
    _this_process = _declare(_kernel32, "GetCurrentProcess", _H)
    _open_token = _declare(_advapi32, "OpenProcessToken", _B, _H, _D, _P)
    _token_information = _declare(_advapi32, "GetTokenInformation", _B, _H, _D, _P, _D, _P)
    _security_of = _declare(_advapi32, "GetSecurityInfo", _D, _H, _D, _D, _P, _P, _P, _P, _P)
    _sid_to_string = _declare(_advapi32, "ConvertSidToStringSidW", _B, _P, _P)
    _descriptor_of = _declare(
        _advapi32,
        "ConvertStringSecurityDescriptorToSecurityDescriptorW",
        _B,
        wintypes.LPCWSTR,
        _D,
        _P,
        _P,
    )

    def _failure() -> OSError:
        return ctypes.WinError(ctypes.get_last_error())

    def _check(worked: object) -> None:
        if not worked:
            raise _failure()

    def user_sid() -> str:
        """Return the security identifier of the user who runs this process."""
        token = wintypes.HANDLE()
        _check(_open_token(_this_process(), _TOKEN_QUERY, ctypes.byref(token)))
        try:
            size = wintypes.DWORD()
            _token_information(token, _TOKEN_USER, None, 0, ctypes.byref(size))
            memory = ctypes.create_string_buffer(size.value)
            _check(_token_information(token, _TOKEN_USER, memory, size, ctypes.byref(size)))
            # TOKEN_USER begins with a pointer to it.
            return _sid_in_words(ctypes.c_void_p.from_buffer(memory))
        finally:
            _close(token)

    def _sid_in_words(sid: ctypes.c_void_p) -> str:
        text = ctypes.c_wchar_p()
        _check(_sid_to_string(sid, ctypes.byref(text)))
        try:
            return str(text.value)
        finally:
            _local_free(text)

    class Handle:
        """An open end of a pipe; one thread may read while another writes."""

        def __init__(self, handle: int) -> None:
            self._handle = handle
            self._under_way = 0
            self._is_closed = False
            self._lock = threading.Condition()

        def read_into(self, memory: bytearray, timeout_s: float | None = None) -> int:
            """Read some bytes; none is the other end's message of no bytes.

            Raises:
                TimeoutError: the time has passed.
                OSError: the other end is gone, or the pipe was closed.
            """
            place = (ctypes.c_char * len(memory)).from_buffer(memory)
            return self._do(_read, place, len(memory), timeout_s)

        def write(self, data: bytes, timeout_s: float | None = None) -> None:
            """Write all of `data`, which are not none.

            Raises:
                TimeoutError: the time has passed.
                OSError: the other end is gone, or the pipe was closed.
            """
            done = 0
            while done < len(data):
                done += self._do(_write, data[done:], len(data) - done, timeout_s)

        def end_writing(self) -> None:
            """Write the message of no bytes."""
            self._do(_write, None, 0, None)

        def server_pid(self) -> int:
            """Return the process that made the pipe."""
            pid = wintypes.ULONG()
            _check(_server_pid(self._handle, ctypes.byref(pid)))
            return int(pid.value)

        def owner_sid(self) -> str:
            """Return the security identifier of the user whose pipe it is."""
            owner, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
            error = _security_of(
                self._handle,
                _KERNEL_OBJECT,
                _OWNER_INFORMATION,
                ctypes.byref(owner),
                None,
                None,
                None,
                ctypes.byref(descriptor),
            )
            if error:
                raise ctypes.WinError(error)
            try:
                return _sid_in_words(owner)
            finally:
                _local_free(descriptor)

        def wait_for_client(self) -> None:
            """Wait until a client has connected.

            Raises:
                OSError: the pipe was closed.
            """

            def connect(handle: int, _place: object, _size: int, _count: None, over: Any) -> int:
                return int(_connect(handle, over))

            self._do(connect, None, 0, None)

        def close(self) -> None:
            """Close it, once; whoever waits in it is woken first."""
            with self._lock:
                if self._is_closed:
                    return
                self._is_closed = True
                _cancel(self._handle, None)
                while self._under_way:
                    self._lock.wait(0.1)
                    _cancel(self._handle, None)
                _close(self._handle)

        def _do(self, call: Any, place: Any, size: int, timeout_s: float | None) -> int:
            with self._lock:
                if self._is_closed:
                    raise OSError("the pipe is closed")
                self._under_way += 1
            event = _event(None, _TRUE, _FALSE, None)
            try:
                return self._finish(call, place, size, timeout_s, event)
            finally:
                _close(event)
                with self._lock:
                    self._under_way -= 1
                    self._lock.notify_all()

        def _finish(
            self, call: Any, place: Any, size: int, timeout_s: float | None, event: int
        ) -> int:
            overlapped = _Overlapped(hEvent=event)
            count = wintypes.DWORD()
            if not call(self._handle, place, size, None, ctypes.byref(overlapped)):
                error = ctypes.get_last_error()
                if error == _ERROR_PIPE_CONNECTED:  # the client was faster
                    return 0
                if error not in (_ERROR_IO_PENDING, _ERROR_MORE_DATA):
                    raise _failure()
                is_late = error == _ERROR_IO_PENDING and not _is_set(event, timeout_s)
                if is_late:
                    _cancel(self._handle, ctypes.byref(overlapped))
            else:
                is_late = False
            if not _result(self._handle, ctypes.byref(overlapped), ctypes.byref(count), _TRUE):
                error = ctypes.get_last_error()
                if is_late and error == _ERROR_OPERATION_ABORTED:
                    raise TimeoutError("the other end of the pipe took too long")
                if error != _ERROR_MORE_DATA:
                    raise _failure()
            return int(count.value)

    def _is_set(event: int, timeout_s: float | None) -> bool:
        """Wait for an event; tell whether it came in time."""
        wait_ms = _INFINITE if timeout_s is None else int(timeout_s * 1000)
        return bool(_wait(event, wait_ms) == _WAIT_OBJECT_0)

    def make_instance(name: str, *, is_first: bool) -> Handle:
        """Return a new instance of the pipe, for this user alone, that waits for a client.

        Raises:
            OSError: another program has the name.
        """
        descriptor = ctypes.c_void_p()
        text = access_for(user_sid())
        _check(_descriptor_of(text, 1, ctypes.byref(descriptor), None))
        try:
            size = ctypes.sizeof(_SecurityAttributes)
            attributes = _SecurityAttributes(size, descriptor, _FALSE)
            handle = _create(
                name,
                open_mode(is_first=is_first),
                pipe_mode(),
                _UNLIMITED_INSTANCES,
                BUFFER_BYTES,
                BUFFER_BYTES,
                0,
                ctypes.byref(attributes),
            )
        finally:
            _local_free(descriptor)
        if handle == _INVALID_HANDLE:
            raise _failure()
        return Handle(handle)

    def connect(name: str, timeout_s: float) -> Stream:
        """Connect to the pipe, which must be this user's own.

        Raises:
            OSError: no program serves there, another user's does, or it has no time for us.
        """
        handle = _open_client(name, timeout_s)
        try:
            is_ours = handle.owner_sid() == user_sid()
        except BaseException:
            handle.close()
            raise
        if not is_ours:
            handle.close()
            raise PermissionError(f"{name} belongs to another user")
        return Stream(handle, timeout_s)

    def _open_client(name: str, timeout_s: float) -> Handle:
        end = time.monotonic() + timeout_s
        while True:
            handle = _open(
                name,
                _GENERIC_READ | _GENERIC_WRITE | _READ_CONTROL,
                0,
                None,
                _OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED | _ANONYMOUS,
                None,
            )
            if handle != _INVALID_HANDLE:
                return Handle(handle)
            if ctypes.get_last_error() != _ERROR_PIPE_BUSY:
                raise _failure()
            remaining_ms = int(1000 * (end - time.monotonic()))
            if remaining_ms <= 0:
                raise TimeoutError(f"{name} is busy")
            _wait_pipe(name, remaining_ms)  # and another client may be faster then

    class Stream:
        """A pipe that is used like a socket."""

        def __init__(self, handle: Handle, timeout_s: float | None) -> None:
            self.handle = handle
            self._timeout_s = timeout_s

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *_exception: object) -> None:
            self.close()

        def settimeout(self, timeout_s: float | None) -> None:
            """Let no operation take longer."""
            self._timeout_s = timeout_s

        def sendall(self, data: bytes) -> None:
            """Send all of `data`."""
            self.handle.write(data, self._timeout_s)

        def recv(self, limit: int) -> bytes:
            """Return up to `limit` bytes, none at the end."""
            memory = bytearray(limit)
            try:
                return bytes(memory[: self.handle.read_into(memory, self._timeout_s)])
            except BrokenPipeError:
                return b""

        def close(self) -> None:
            """Close it."""
            self.handle.close()

    class Listener(threading.Thread):
        """Take clients at a pipe, in a thread of its own, and hand each to `on_client`."""

        def __init__(self, name: str, on_client: Any) -> None:
            super().__init__(daemon=True, name="pipe-listener")
            self.pipe = name
            self._on_client = on_client
            self._is_closed = False
            self._lock = threading.Lock()  # guards the next and the change of the one above
            self._waiting = make_instance(name, is_first=True)

        def run(self) -> None:
            """Serve until `close`."""
            client = self._waiting
            while True:
                is_here = _is_met(client)
                # Before the old one can be closed: a name without an instance is anybody's.
                following = self._next_instance()
                if following is None:
                    client.close()
                    return
                if is_here:
                    self._on_client(client)
                else:
                    client.close()
                client = following

        def _next_instance(self) -> Handle | None:
            """Return the next instance, or None once we are closed."""
            while True:
                with self._lock:
                    if self._is_closed:
                        return None
                    try:
                        self._waiting = make_instance(self.pipe, is_first=False)
                    except OSError:
                        log.warning("cannot make '%s' again", self.pipe, exc_info=True)
                    else:
                        return self._waiting
                time.sleep(_PAUSE_S)

        def close(self) -> None:
            """Take no more clients."""
            with self._lock:
                self._is_closed = True
            self._waiting.close()

    def _is_met(instance: Handle) -> bool:
        """Wait until a client has come; tell whether it is still there, and we are not closed."""
        try:
            instance.wait_for_client()
        except OSError:
            return False
        return True
