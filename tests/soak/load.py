"""Who keeps a forwarder busy: clients of many kinds, and containers that come and go."""

from __future__ import annotations

import collections
import contextlib
import random
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Counter

from tests.e2e.conftest import VM

REQUEST = "GET {} HTTP/1.0\r\nHost: docker\r\n\r\n"
CLIENTS = 24
ANSWER_S = 60.0


def reason_of(error: Exception) -> str:
    """Return the words of an error, without its numbers, which are of one try."""
    return re.sub(r"[0-9a-f]{12,}|[0-9]+", "N", f"{type(error).__name__}: {error}")[:120]


class Load:
    """Threads that use the VM until the `with` block ends; counts what came of it."""

    def __init__(self, vm: VM, docker_socket: Path, seed: int) -> None:
        self._vm = vm
        self._socket = docker_socket
        self._seed = seed
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.counted: Counter[str] = collections.Counter()
        self.reasons: Counter[str] = collections.Counter()

    def __enter__(self) -> Load:
        kinds = [self._ask, self._list, self._hang_up, self._hold]
        for number in range(CLIENTS):
            self._begin(kinds[number % len(kinds)], number)
        self._begin(self._container, CLIENTS)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _begin(self, use: Callable[[random.Random], None], number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        thread = threading.Thread(target=self._again, args=(use, chance), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _again(self, use: Callable[[random.Random], None], chance: random.Random) -> None:
        while not self._stop.wait(chance.uniform(0.05, 1.0)):
            name = use.__name__.strip("_")
            try:
                use(chance)
            except (OSError, subprocess.SubprocessError) as error:
                self.counted[f"{name} failed"] += 1  # the VM is away now and then
                self.reasons[reason_of(error)] += 1
            else:
                self.counted[name] += 1

    def _connected(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(ANSWER_S)
        client.connect(str(self._socket))
        return client

    def _ask(self, _chance: random.Random) -> None:
        self._answer("/_ping")

    def _list(self, _chance: random.Random) -> None:
        self._answer("/info")

    def _answer(self, path: str) -> None:
        with self._connected() as client:
            client.sendall(REQUEST.format(path).encode())
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        if b" 200 " not in answer[:20]:
            raise OSError(answer[:100])

    def _hang_up(self, chance: random.Random) -> None:
        with self._connected() as client:
            client.sendall(REQUEST.format("/events").encode()[: chance.randrange(40)])
            time.sleep(chance.uniform(0, 0.5))

    def _hold(self, chance: random.Random) -> None:
        with self._connected() as client:
            client.sendall(REQUEST.format("/events").encode())
            time.sleep(chance.uniform(0, 10))

    def _container(self, chance: random.Random) -> None:
        """Publish a few ports, TCP and UDP, use one, and let them vanish."""
        first = 20_000 + chance.randrange(1000)
        ports = [word for port in range(first, first + 5) for word in ("-p", f"{port}:80")]
        ports += ["-p", f"{first}:80/udp"]
        words = ["run", "-d", *ports, "busybox", "httpd", "-f", "-p", "80", "-h", "/"]
        made = self._vm.try_docker(*words)
        container = made.stdout.decode().strip()
        if made.returncode or not container:
            raise OSError(made.stderr.decode()[:200])
        try:
            with socket.create_connection(("127.0.0.1", first), timeout=ANSWER_S) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                client.recv(100)
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                self._vm.try_docker("rm", "-f", container)
