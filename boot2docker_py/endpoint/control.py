"""How a forwarder is asked and stopped: one line of JSON each way, at a Unix socket or a pipe."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

from boot2docker_py import untrusted
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.host import named_pipe
from boot2docker_py.ssh.stream import Stream
from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 3.0
END_WITHIN_S = 1.0
PAUSE_S = 0.2
QUESTION_LIMIT_BYTES = 4096
LINE_LIMIT_BYTES = 4 * 1024 * 1024
BACKLOG = 1024

Answer = Callable[[str], "dict[str, Any]"]


def listen(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, for the user alone; it takes the place of another."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    server = unix_socket()
    try:
        server.bind(str(temporary))
        temporary.chmod(0o600)
        server.listen(BACKLOG)
        temporary.replace(path)
    except BaseException:
        server.close()
        raise
    return server


def unix_socket() -> socket.socket:
    """Return a new Unix socket; Python has none on Windows, where named pipes are used."""
    if sys.platform == "win32":
        raise Boot2DockerError("the forwarder needs Unix sockets, which Python lacks on Windows")
    else:
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


@contextlib.contextmanager
def serving(path: Path, answer: Answer) -> Iterator[None]:
    """Answer questions at `path`, one after the other, in a thread, for a `with` block."""
    if sys.platform == "win32":
        listener = named_pipe.Listener(
            named_pipe.pipe_at(path),
            lambda handle: serve_one(named_pipe.Stream(handle, ANSWER_WITHIN_S), answer),
        )
        listener.start()
        try:
            yield
        finally:
            listener.close()
    else:
        server = listen(path)
        inode = path.stat().st_ino
        has_ended = threading.Event()
        thread = threading.Thread(
            target=_serve_all, args=(server, answer, has_ended), daemon=True, name="control"
        )
        thread.start()
        try:
            yield
        finally:
            has_ended.set()
            _wake(server)
            thread.join(END_WITHIN_S)  # one that asks slowly does not hold us up for long
            server.close()
            if is_ours(path, inode):
                path.unlink()


def _wake(server: socket.socket) -> None:
    """Wake the thread in `accept`; closing alone does not, and may give it another's client."""
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


def _serve_all(server: socket.socket, answer: Answer, has_ended: threading.Event) -> None:
    while not has_ended.is_set():
        try:
            peer, _address = server.accept()
        except OSError as error:  # no question can come in: the system has nothing left for now
            log.debug("a question cannot be taken: %s", error)
            has_ended.wait(PAUSE_S)
            continue
        serve_one(peer, answer)


def serve_one(peer: Stream, answer: Answer) -> None:
    """Answer the one question that `peer` asks, and close it."""
    try:
        question = _question_of(peer)
        if question is not None:
            _send(peer, answer(question))
    except Exception:  # the next question may be the one to stop
        log.exception("a question could not be answered")
    finally:
        peer.close()


def _question_of(peer: Stream) -> str | None:
    """Return what is asked, None when it is nothing of ours, or does not come."""
    try:
        peer.settimeout(ANSWER_WITHIN_S)
        return str(untrusted.parsed_json(_read_line(peer, QUESTION_LIMIT_BYTES))["ask"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.debug("no question came: %r", error)
        return None


def _send(peer: Stream, said: dict[str, Any]) -> None:
    line = json.dumps(said).encode() + b"\n"
    try:
        peer.sendall(line)
    except OSError as error:
        log.debug("an answer came to nothing: %r", error)


class Peer:
    """A running forwarder, as far as its control socket takes connections.

    Its process number comes from the operating system, fresh with the connection.
    """

    def __init__(self, sock: Stream, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._sock.close()

    def ask(self, question: str) -> dict[str, Any] | None:
        """Return the answer, or None if there is none in time."""
        try:
            self._sock.sendall(json.dumps({"ask": question}).encode() + b"\n")
            answer = untrusted.parsed_json(_read_line(self._sock, LINE_LIMIT_BYTES))
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None


def find(path: Path) -> Peer | None:
    """Return the forwarder whose control socket is at `path`, or None if none listens there."""
    try:
        return _connect(path)
    except OSError as error:
        log.debug("no forwarder at '%s': %s", path, error)
        return None


def _connect(path: Path) -> Peer:
    if sys.platform == "win32":
        stream = named_pipe.connect(named_pipe.pipe_at(path), ANSWER_WITHIN_S)
        return Peer(stream, stream.handle.server_pid())
    else:
        sock = unix_socket()
        sock.settimeout(ANSWER_WITHIN_S)
        try:
            sock.connect(str(path))
            return Peer(sock, peer_pid(sock))
        except BaseException:
            sock.close()
            raise


def peer_pid(sock: socket.socket) -> int:
    """Return the number of the process at the other end, 0 where the system does not tell."""
    if sys.platform == "linux":  # unix(7), SO_PEERCRED: pid, uid, gid
        packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", packed)[0]
    elif sys.platform == "darwin":  # sys/un.h: SOL_LOCAL 0, LOCAL_PEERPID 2
        pid = struct.unpack("i", sock.getsockopt(0, 2, struct.calcsize("i")))[0]
    else:
        pid = 0
    return pid


def is_ours(path: Path, inode: int) -> bool:
    """Tell whether the file at `path` is still the one with that inode."""
    with contextlib.suppress(OSError):
        return os.stat(path).st_ino == inode  # noqa: PTH116
    return False


def _read_line(sock: Stream, limit_bytes: int) -> bytes:
    """Return what comes up to the end of a line; all of it within one deadline."""
    deadline = Deadline(ANSWER_WITHIN_S)
    line = bytearray()
    while not line.endswith(b"\n"):
        sock.settimeout(max(deadline.remaining_s(), 0.001))
        data = sock.recv(4096)
        if not data or deadline.has_passed() or len(line) > limit_bytes:
            raise ValueError("no whole line")
        line += data
    return bytes(line)
