"""No browser comes in at a TCP port: what web pages do there they would do as the user.

A page may send a POST to any port of loopback without being asked whether it may, and one whose
name is made to lead to 127.0.0.1 may read the answers too. Browsers say that it is they: Origin and
Sec-Fetch-* (https://www.w3.org/TR/fetch-metadata/) of the page, Host of the name that was typed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
from typing import Callable

from boot2docker_py.endpoint.relay.client import SocketClient
from boot2docker_py.endpoint.relay.first_request import FirstRequest
from boot2docker_py.endpoint.relay.loop import Loop
from boot2docker_py.endpoint.relay.refusal import answer

log = logging.getLogger(__name__)

ASK_WITHIN_S = 10.0

_OF_BROWSERS = (b"origin", b"referer", b"sec-fetch-")
# What docker's own libraries say where there is no name.
_OUR_NAMES = ("localhost", "docker", "api.moby.localhost")


class Gatekeeper:
    """Read the head of a client's first request, and let it in, or tell it why not."""

    def __init__(
        self,
        loop: Loop,
        client: SocketClient,
        let_in: Callable[[SocketClient], None],
        *,
        within_s: float = ASK_WITHIN_S,
    ) -> None:
        self._client = client
        self._let_in = let_in
        self._is_over = False
        self._request = FirstRequest(loop, client, self._decide, self._give_up)
        loop.call_later(within_s, lambda: self._give_up(f"it asked nothing within {within_s:g} s"))

    def _decide(self) -> None:
        reason = why_not(self._request.head)
        self._is_over = True
        self._request.leave()
        if reason:
            log.warning("refused a client at the TCP port: %s", reason)
            with contextlib.suppress(OSError):
                self._client.send(memoryview(answer(reason, "403 Forbidden")))
            self._client.close()
        else:
            self._client.unread(self._request.received)
            self._let_in(self._client)

    def _give_up(self, reason: str = "") -> None:
        if not self._is_over:
            if reason:
                log.info("hung up on a client at the TCP port: %s", reason)
            self._is_over = True
            self._request.leave()
            self._client.close()


def why_not(head: bytes) -> str:
    """Return why the sender of this head of a request is not let in; nothing if it is."""
    _request, *lines = re.split(rb"\r?\n|\r", head)
    headers = [line.partition(b":") for line in lines]
    names = [name.strip().lower() for name, _colon, _value in headers]
    if any(name.startswith(_OF_BROWSERS) for name in names):
        return "the engine is not for web pages"
    hosts = [
        value.strip().decode("latin-1")
        for name, (_name, _colon, value) in zip(names, headers)
        if name == b"host"
    ]
    if len(hosts) != 1 or not _is_this_machine(hosts[0]):
        return "the engine is not for clients that call this machine by another name"
    return ""


def _is_this_machine(host: str) -> bool:
    name = re.sub(r":[0-9]*$", "", host).lower()
    if name in _OUR_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
