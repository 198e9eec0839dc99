"""A guest's SSH server in a thread: paramiko's server side, with the faults of a booting VM."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, ClassVar

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from boot2docker_py.address import Address
from boot2docker_py.ssh import keys
from tests.unit.listening import end_listening

Command = Callable[[paramiko.Channel], None]


def host_key() -> paramiko.PKey:
    """Make a host key."""
    text = keys.make_host_key().private.decode()
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text))


@dataclass
class FakeGuest:
    """Serve every connection after the present wishes; change them while it runs."""

    accepts_key: bool = True
    accepts_ssh_rsa_only: bool = False
    greets_after: int = 0  # connections that have to come before it greets an earlier one
    closes_first: int = 0  # connections that it closes before it greets one
    ignores_first: int = 0  # connections that it never greets
    host_key: paramiko.PKey = field(default_factory=host_key)
    opens_after_s: float = 0.0  # a session
    commands: dict[bytes, Command] = field(default_factory=dict)
    sessions: list[paramiko.Channel] = field(default_factory=list)
    seen: int = 0
    methods: list[str] = field(default_factory=list)

    def __enter__(self) -> FakeGuest:
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*self._listener.getsockname())
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        end_listening(self._listener, self._thread)
        self.hang_up()

    def hang_up(self) -> None:
        """Cut all connections."""
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _address = self._listener.accept()
                self._open.append(sock)
                self.seen += 1
                threading.Thread(target=self._serve, args=(sock, self.seen), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        if number <= self.closes_first:
            sock.close()
            return
        if number <= self.closes_first + self.ignores_first:
            return
        while self.seen < number + self.greets_after:
            time.sleep(0.01)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._talk(sock)

    def _talk(self, sock: socket.socket) -> None:
        transport = _Transport(sock, server_sig_algs=not self.accepts_ssh_rsa_only)
        transport.add_server_key(self.host_key)
        transport.start_server(server=_Server(self))
        while transport.is_active():
            session = transport.accept(0.1)
            if session is not None:
                self.sessions.append(session)


class _KeyOfferedAsSshRsa(paramiko.RSAKey):
    """An RSA key that came under the only name that OpenSSH before 7.2 knew."""


class _Transport(paramiko.Transport):
    _key_info: ClassVar[dict[str, type[paramiko.PKey]]] = {
        **paramiko.Transport._key_info,  # type: ignore[attr-defined] # noqa: SLF001 - its table of kinds
        "ssh-rsa": _KeyOfferedAsSshRsa,
    }


class _Server(paramiko.ServerInterface):
    def __init__(self, guest: FakeGuest) -> None:
        self._guest = guest

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_password(self, username: str, password: str) -> int:
        self._guest.methods.append("password")
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._guest.methods.append("publickey")
        if self._guest.accepts_ssh_rsa_only and not isinstance(key, _KeyOfferedAsSshRsa):
            return AUTH_FAILED
        return AUTH_SUCCESSFUL if self._guest.accepts_key else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        time.sleep(self._guest.opens_after_s)
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        run = self._guest.commands.get(command)
        if run is None:
            return False
        threading.Thread(target=run, args=(channel,), daemon=True).start()
        return True
