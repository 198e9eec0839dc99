"""Our forwarder against `ssh -L`, on the same two end points: a local sshd and a Unix socket.

The real OpenSSH server stands for the guest, without its emulated CPU, which would hide the
forwarder.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable, Sequence

from boot2docker_py.endpoint import process
from boot2docker_py.endpoint.relay.relay import GRANT_BYTES
from boot2docker_py.endpoint.status import Settings
from boot2docker_py.paths import Paths
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.wait import Deadline
from tests.unit.ssh.real_sshd import Sshd

MEGABYTE = 1024 * 1024
STREAM_BYTES = 200 * MEGABYTE
REQUESTS = 200
OPEN_AT_ONCE = 500
PAUSE_S = 0.005  # after a request, as between the commands of a script
TURNS = 3
BLOCK = os.urandom(MEGABYTE)


def serve(path: str) -> None:
    """Take clients, also some that ask nothing yet, and answer those that ask, one by one."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(OPEN_AT_ONCE)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    held: list[socket.socket] = []
    while True:
        for key, _events in selector.select():
            if key.fileobj is listener:
                client, _address = listener.accept()
                selector.register(client, selectors.EVENT_READ, client)
            else:
                selector.unregister(key.fileobj)
                answer(key.data, held)


def answer(client: socket.socket, held: list[socket.socket]) -> None:
    """Answer: `r` reads all, says ok; `w` writes; `p` says ok at once; `h` too, and holds on."""
    word = client.recv(1)
    if word == b"h":
        held.append(client)
        client.sendall(b"ok")
        return
    with client:
        if word == b"r":
            while client.recv(MEGABYTE):
                pass
        elif word == b"w":
            for _megabyte in range(STREAM_BYTES // MEGABYTE):
                client.sendall(BLOCK)
            return
        if word:  # else somebody only looked whether we listen
            client.sendall(b"ok")


def connect(path: Path) -> socket.socket:
    """Return a client of the socket at `path`."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client


def upload_s(path: Path) -> float:
    """Send the stream; return the seconds until the server has all of it."""
    began = time.monotonic()
    with connect(path) as client:
        client.sendall(b"r")
        for _megabyte in range(STREAM_BYTES // MEGABYTE):
            client.sendall(BLOCK)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(2) == b"ok"
    return time.monotonic() - began


def download_s(path: Path) -> float:
    """Receive the stream; return the seconds."""
    began = time.monotonic()
    received = 0
    with connect(path) as client:
        client.sendall(b"w")
        while True:
            data = client.recv(MEGABYTE)
            if not data:
                break
            received += len(data)
    assert received == STREAM_BYTES
    return time.monotonic() - began


def request_s(path: Path, pause_s: float = 0.0) -> float:
    """Connect, ask, hear the answer; return the median of the seconds."""
    times = []
    for _request in range(REQUESTS):
        time.sleep(pause_s)
        began = time.monotonic()
        with connect(path) as client:
            client.sendall(b"p")
            assert client.recv(2) == b"ok"
        times.append(time.monotonic() - began)
    return statistics.median(times)


def paced_request_s(path: Path) -> float:
    """Do so with a pause after each, in which the forwarder has nothing to do for others."""
    return request_s(path, PAUSE_S)


def paramiko_s(connection: Connection, engine: Path, pause_s: float) -> tuple[float, float]:
    """Do so with paramiko's own channels; return the medians: whole, and from the open one on.

    That is no relay: no client of a socket is served. It is what our channels are compared with.
    """
    whole, opened = [], []
    for _request in range(REQUESTS):
        time.sleep(pause_s)
        began = time.monotonic()
        with connection.open_unix_socket(str(engine)) as channel:
            was_open = time.monotonic()
            channel.sendall(b"p")
            assert channel.recv(2) == b"ok"
            answered = time.monotonic()
        whole.append(time.monotonic() - began)
        opened.append(answered - was_open)
    return statistics.median(whole), statistics.median(opened)


class Sink:
    """The end of a channel where bytes are counted and thrown away."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._received = 0
        self._is_open = False
        self._has_ended = False

    def wait_until_open(self) -> None:
        """Wait for the guest's end."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_open or self._has_ended, 30)

    def next_bytes(self, taken: int) -> int:
        """Return how many bytes have come in all, when there are many more, or no more will."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._has_ended or self._received - taken >= GRANT_BYTES, 30
            )
            return self._received

    def has_ended(self) -> bool:
        """Tell whether no more bytes come."""
        return self._has_ended

    def stream_opened(self) -> None:
        """Let the owner begin."""
        with self._changed:
            self._is_open = True
            self._changed.notify()

    def stream_received(self, pieces: Sequence[memoryview]) -> None:
        """Count; wake the owner only for what it must grant."""
        before = self._received
        self._received += sum(map(len, pieces))
        if before // GRANT_BYTES != self._received // GRANT_BYTES:
            with self._changed:
                self._changed.notify()

    def stream_ended(self) -> None:
        """Let the owner finish."""
        with self._changed:
            self._has_ended = True
            self._changed.notify()

    def stream_refused(self, _reason: str) -> None:
        """Let the owner finish."""
        self.stream_ended()

    def stream_closed(self) -> None:
        """Let the owner finish."""
        self.stream_ended()

    def stream_lost(self) -> None:
        """Let the owner finish."""
        self.stream_ended()

    def stream_may_send(self) -> None:
        """Do nothing: one byte is sent."""


def reading_s(connection: Connection, engine: Path) -> float:
    """Receive the stream by the SSH connection's reading alone, and drop it."""
    began = time.monotonic()
    sink = Sink()
    channel = connection.open_stream(str(engine), sink)
    sink.wait_until_open()
    channel.send_message(memoryview(bytearray(channel.header_bytes) + b"w"))
    taken = 0
    while not sink.has_ended():
        received = sink.next_bytes(taken)
        channel.grant(received - taken)
        taken = received
    channel.close()
    assert sink.next_bytes(0) == STREAM_BYTES
    return time.monotonic() - began


def resident_mb(pid: int) -> float:
    """Return how much memory a process has in use."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure_memory(ours: tuple[Path, int], theirs: tuple[Path, int]) -> None:
    """Print the memory of both with many connections open, each used once."""
    sizes = []
    for path, pid in (ours, theirs):
        with contextlib.ExitStack() as stack:
            for _number in range(OPEN_AT_ONCE):
                client = stack.enter_context(connect(path))
                client.sendall(b"h")
                assert client.recv(2) == b"ok"
            sizes.append(resident_mb(pid))
    print(
        f"forwarder memory, {OPEN_AT_ONCE} open {sizes[0]:5.1f} MB"
        f"     ssh -L {sizes[1]:8.1f} MB     goal 60 MB"
    )


def wait_for(path: Path) -> None:
    """Wait until requests are answered at `path`."""
    end = time.monotonic() + 30
    while True:
        try:
            request_s(path)
        except (OSError, AssertionError):
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


def compare(what: str, measure: Callable[[Path], float], ours: Path, theirs: Path) -> None:
    """Print the medians and their ratio; both take turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _turn in range(TURNS):
        times[0].append(measure(ours))
        times[1].append(measure(theirs))
    our_s, their_s = statistics.median(times[0]), statistics.median(times[1])
    if what.startswith("latency"):
        print(
            f"forwarder {what:<12} {our_s * 1000:8.2f} ms     ssh -L {their_s * 1000:8.2f} ms"
            f"     ratio {our_s / their_s:5.2f}"
        )
        return
    our_rate, their_rate = (STREAM_BYTES / MEGABYTE / seconds for seconds in (our_s, their_s))
    print(
        f"forwarder {what:<12} {our_rate:8.1f} MB/s   ssh -L {their_rate:8.1f} MB/s"
        f"   ratio {our_rate / their_rate:5.2f}"
    )


def compare_parts(sshd: Sshd, engine: Path, theirs: Path) -> None:
    """Print what paramiko's channels and the reading take, beside `ssh -L`; both take turns."""
    rows = []
    with sshd.connect() as connection:
        for _turn in range(TURNS):
            rows.append((*paramiko_s(connection, engine, 0.0), request_s(theirs)))
        downloads = [(reading_s(connection, engine), download_s(theirs)) for _turn in range(TURNS)]
    whole_s, opened_s, their_s = (statistics.median(column) for column in zip(*rows))
    for what, seconds in (("alone", whole_s), ("when open", opened_s)):
        print(
            f"paramiko {what:<13} {seconds * 1000:8.2f} ms     ssh -L {their_s * 1000:8.2f} ms"
            f"     ratio {seconds / their_s:5.2f}"
        )
    our_rate, their_rate = (
        STREAM_BYTES / MEGABYTE / statistics.median(column) for column in zip(*downloads)
    )
    print(
        f"reading alone         {our_rate:8.1f} MB/s   ssh -L {their_rate:8.1f} MB/s"
        f"   ratio {our_rate / their_rate:5.2f}"
    )


def main() -> None:
    """Run both forwards beside each other."""
    folder = Path(tempfile.mkdtemp())
    engine = folder / "engine.sock"
    server = multiprocessing.Process(target=serve, args=(str(engine),), daemon=True)
    server.start()
    paths = Paths(home=folder / "b", user_home=folder).vm("bench")
    paths.folder.mkdir(parents=True)
    with Sshd(folder / "sshd").running() as sshd:
        theirs = folder / "theirs.sock"
        words = [
            "ssh",
            "-N",
            "-i",
            str(sshd.key),
            "-p",
            str(sshd.address.port),
            "-o",
            "BatchMode=yes",
        ]
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
        words += ["-o", "LogLevel=ERROR", "-L", f"{theirs}:{engine}", f"{sshd.user}@127.0.0.1"]
        client = subprocess.Popen(words)
        settings = Settings(
            paths, sshd.address, sshd.key, 30, user=sshd.user, engine_socket=str(engine)
        )
        health = process.start(settings, Deadline(30))
        try:
            wait_for(theirs)
            wait_for(paths.docker_socket)
            compare("upload", upload_s, paths.docker_socket, theirs)
            compare("download", download_s, paths.docker_socket, theirs)
            compare("latency", request_s, paths.docker_socket, theirs)
            compare("latency paced", paced_request_s, paths.docker_socket, theirs)
            compare_parts(sshd, engine, theirs)
            measure_memory((paths.docker_socket, health.pid), (theirs, client.pid))
        finally:
            process.stop(paths)
            client.terminate()
            client.wait()
    server.terminate()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
