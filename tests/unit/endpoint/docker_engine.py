"""What stands in for the engine's API: containers that come and go, a list, and a live stream."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import urllib.parse
from email.utils import formatdate
from pathlib import Path
from typing import Any, Iterable

from tests.unit.guest_side import UnixServer, path_there
from tests.unit.listening import end_listening

# The guest of these tests is this machine; its containers publish at an address of their own.
GUEST = "127.0.0.2"


class DockerEngine:
    """Serve `GET /containers/json` and `GET /events`, a ping, and starts of `to_start`."""

    def __init__(self, path: Path) -> None:
        self.path, self.there = path, path_there(path)
        self.containers: dict[str, dict[str, Any]] = {}
        self.services: list[dict[str, Any]] | None = None  # None: it manages no swarm
        self.is_manager = False  # of a swarm
        self.to_start: dict[str, int] = {}  # names of containers, and what they will publish
        self.may_list = threading.Event()
        self.may_list.set()
        self.lists = 0
        self.answers_after_s = 0.0
        self.status_line = b"HTTP/1.0 200 OK"
        self.piece_bytes = 64 * 1024
        self.queries: list[dict[str, list[str]]] = []
        self.streams: list[socket.socket] = []
        self.silent_clients = 0  # that are connected and have asked nothing yet
        self._servers: dict[str, list[Echo]] = {}
        self._history: list[tuple[float, bytes]] = []
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listen()

    def __enter__(self) -> DockerEngine:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.may_list.set()
        self.crash()
        for name in list(self.containers):
            self.stop(name)

    def connect(self) -> socket.socket:
        """Return a connection to it, without a guest in between."""
        return self._server.connect()

    def crash(self) -> None:
        """Serve no more clients; what the containers publish goes on."""
        end_listening(self._server.listener, self._accepting)
        self._server.remove()
        with self._lock:
            _cut(self._clients)
        self.streams.clear()

    def come_back(self) -> None:
        """Serve again after a crash."""
        self._listen()

    def cut_events(self) -> None:
        """End the streams of events."""
        _cut(self.streams)
        self.streams.clear()

    def start(self, name: str, *ports: int, address: str = GUEST, protocol: str = "tcp") -> None:
        """Start a container that answers at its published ports, and send its event."""
        self.containers[name] = {
            "Id": f"{name}-id",
            "Names": [f"/{name}"],
            "Ports": [
                {"IP": address, "PrivatePort": 80, "PublicPort": port, "Type": protocol}
                for port in ports
            ],
        }
        if protocol == "tcp":
            self._servers[name] = [Echo(address, port) for port in ports]
        self.tell("container", "start", name)

    def stop(self, name: str) -> None:
        """End a container, and send its event."""
        del self.containers[name]
        self.end_server(name)
        self.tell("container", "die", name)

    def end_server(self, name: str) -> None:
        """End the program in a container that listens, and not the container."""
        for server in self._servers.pop(name, []):
            server.close()

    def create_service(self, name: str, port: int, mode: str = "ingress") -> None:
        """Create a service whose containers run on other nodes."""
        published = {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": port}
        ports = [{**published, "PublishMode": mode}]
        found = {"ID": name, "Spec": {"Name": name}, "Endpoint": {"Ports": ports}}
        self.services = [*(self.services or []), found]
        self.tell("service", "create", name)

    def remove_services(self) -> None:
        """Remove all services."""
        self.services = []
        self.tell("service", "remove", "all")

    def tell(self, kind: str, action: str, name: str) -> None:
        """Send an event to all that follow."""
        actor = {"ID": f"{name}-id", "Attributes": {"name": name}}
        event = {"Type": kind, "Action": action, "Actor": actor, "timeNano": time.time_ns()}
        line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._history.append((time.time(), line))
            self.send(line)

    def send(self, data: bytes) -> None:
        """Send bytes to all that follow, in pieces."""
        for stream in list(self.streams):
            for begin in range(0, len(data), self.piece_bytes):
                with contextlib.suppress(OSError):
                    stream.sendall(data[begin : begin + self.piece_bytes])

    def _started(self, path: str) -> bytes:
        """Start a container as the engine does: the answer comes when it is published."""
        name = path.split("/")[-2]
        if name not in self.to_start:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
        self.start(name, self.to_start[name])
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    def _listen(self) -> None:
        self._server = UnixServer(self.path)
        listener = self._server.listener
        self._accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._accepting.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = listener.accept()
                with self._lock:
                    self._clients.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            self._answer(client)
        finally:
            with self._lock:
                self._clients.discard(client)

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), client.makefile("rb") as lines:
            with self._lock:
                self.silent_clients += 1
            words = lines.readline().decode().split()
            with self._lock:
                self.silent_clients -= 1
            while lines.readline().strip():
                pass
            while words[2:] == ["HTTP/1.1"]:
                client.sendall(self._started(words[1]))
                words = lines.readline().decode().split()
                while words and lines.readline().strip():
                    pass
            if len(words) != 3 or words[2] != "HTTP/1.0":
                return
            time.sleep(self.answers_after_s)
            url = urllib.parse.urlsplit(words[1])
            date = formatdate(time.time(), usegmt=True).encode()
            is_refused = url.path == "/services" and self.services is None
            status_line = b"HTTP/1.0 503 Not a manager" if is_refused else self.status_line
            client.sendall(status_line + b"\r\nDate: " + date + b"\r\n\r\n")
            if url.path == "/events":
                query = urllib.parse.parse_qs(url.query)
                since = float(query["since"][0])
                with self._lock:
                    client.sendall(b"".join(line for at, line in self._history if at >= since))
                    self.queries.append(query)
                    self.streams.append(client)
                lines.read()  # to the end of the client
            elif url.path == "/containers/json":
                self.may_list.wait()
                self.lists += 1
                answer = json.dumps(list(self.containers.values()), ensure_ascii=False).encode()
                client.sendall(answer)
            elif url.path == "/services":
                client.sendall(json.dumps(self.services).encode())
            elif url.path == "/info":
                swarm = {"LocalNodeState": "active", "ControlAvailable": self.is_manager}
                client.sendall(json.dumps({"Swarm": swarm}).encode())
            else:
                client.sendall(b"OK")
        with contextlib.suppress(ValueError):
            self.streams.remove(client)


class Echo:
    """A server in a container: it sends back what it gets, and its end after the client's."""

    def __init__(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(100)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        end_listening(self._listener, self._accepting)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            for data in iter(lambda: client.recv(1 << 18), b""):
                client.sendall(data)


def _cut(sockets: Iterable[socket.socket]) -> None:
    for sock in list(sockets):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
