"""A real HTTP server on loopback that plays a part: each path has a page, each page is a function.

It counts what it sends, so that tests can tell a resumed download from a repeated one.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import socketserver
import ssl
import sys
import threading
from typing import Callable, Iterator

Handler = http.server.BaseHTTPRequestHandler
Page = Callable[["Request"], None]


class Request(Handler):
    """One request; pages answer with its `reply`."""

    protocol_version = "HTTP/1.1"
    is_success = False
    server: Server

    def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        if page is None:
            self.reply(404, b"nothing here")
        else:
            page(self)

    def do_CONNECT(self) -> None:  # noqa: N802 - the name is http.server's
        self.server.asked.append(self.path)
        port = self.server.tunnels.get(self.path)
        if port is None:
            self.reply(self.server.tunnel_refusal, b"")
            return
        self.send_response_only(200)
        self.end_headers()
        _relay(self.connection, port)
        self.close_connection = True

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer; headers are written with _ for -."""
        self.start(status, len(body), **headers)
        self.send(body)

    def start(self, status: int, length: int | None, **headers: str) -> None:
        """Send the head of an answer."""
        self.is_success = status in (200, 206)
        self.send_response_only(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, body: bytes) -> None:
        """Send some of the body."""
        self.wfile.write(body)
        if self.is_success:
            self.server.sent_bytes += len(body)

    def cut(self) -> None:
        """Hang up."""
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The server and what it has seen."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.scheme = "http"
        if context:
            self.scheme = "https"
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self.sent_bytes = 0  # without the bodies of refusals
        self.tunnels: dict[str, int] = {}  # what a CONNECT is to reach on loopback
        self.tunnel_refusal = 403
        self.is_closing = threading.Event()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.server_address[1])

    def url(self, path: str = "/boot2docker.iso") -> str:
        """Return the address of a page."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client hangs up or does not like our certificate."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def run(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve for a `with` block."""
    with Server(context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.is_closing.set()
        server.shutdown()
        thread.join()


def text(status: int, body: str, **headers: str) -> Page:
    """Answer with a text."""
    return lambda request: request.reply(status, body.encode(), **headers)


def as_json(value: object, status: int = 200, **headers: str) -> Page:
    """Answer with JSON."""
    return text(status, json.dumps(value), Content_Type="application/json", **headers)


def in_turn(*pages: Page) -> Page:
    """Answer with each page once, and with the last one ever after."""
    left = list(pages)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def file(content: bytes, *, etag: str = '"1"', cut_at: int | None = None) -> Page:
    """Answer with a file as a good server does, ranges and all; hang up at byte `cut_at`."""

    def page(request: Request) -> None:
        end = len(content) if cut_at is None else cut_at
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if not asked or request.headers.get("If-Range", etag) != etag:
            request.start(200, len(content), ETag=etag, Accept_Ranges="bytes")
            request.send(content[:end])
        elif int(asked.group(1)) >= len(content):
            request.reply(416, b"", Content_Range=f"bytes */{len(content)}")
        else:
            offset = int(asked.group(1))
            whole = f"bytes {offset}-{len(content) - 1}/{len(content)}"
            request.start(206, len(content) - offset, ETag=etag, Content_Range=whole)
            request.send(content[offset:end])
        if cut_at is not None:
            request.cut()

    return page


def file_without_ranges(content: bytes, *, cut_at: int | None = None) -> Page:
    """Answer with a file from its beginning, whatever is asked for."""

    def page(request: Request) -> None:
        request.start(200, len(content), ETag='"1"')
        request.send(content[:cut_at])
        if cut_at is not None:
            request.cut()

    return page


def stalling(content: bytes, at: int) -> Page:
    """Answer with a file, and fall silent in the middle of it, for longer than anybody waits."""

    def page(request: Request) -> None:
        request.start(200, len(content), ETag='"1"')
        request.send(content[:at])
        request.server.is_closing.wait(20)
        with contextlib.suppress(OSError):
            request.send(content[at:])

    return page


def chunked(content: bytes) -> Page:
    """Answer with a file without saying how long it is."""

    def page(request: Request) -> None:
        request.start(200, None, Transfer_Encoding="chunked")
        for at in range(0, len(content), 50_000):
            part = content[at : at + 50_000]
            request.send(b"%x\r\n%b\r\n" % (len(part), part))
        request.send(b"0\r\n\r\n")

    return page


def redirect(to: str, status: int = 302) -> Page:
    """Answer with another address."""
    return text(status, "over there", Location=to)


def _relay(client: socket.socket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as target:
        back = threading.Thread(target=_pump, args=(target, client), daemon=True)
        back.start()
        _pump(client, target)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
