"""Whether a proxy comes between the docker client and an engine, as Go's http package decides."""

from __future__ import annotations

import ipaddress
from typing import Mapping
from urllib.parse import urlsplit


def catching(docker_host: str, environ: Mapping[str, str]) -> str:
    """Return the name of the variable whose proxy is asked for `docker_host`, empty for none.

    golang.org/x/net/http/httpproxy: only TCP, never this machine itself, nothing in NO_PROXY.
    """
    parts = urlsplit(docker_host)
    host = parts.hostname or ""
    if parts.scheme not in ("tcp", "http", "https") or not host or _is_this_machine(host):
        return ""
    is_tls = parts.scheme == "https" or bool(environ.get("DOCKER_TLS_VERIFY"))
    names = ("HTTPS_PROXY", "https_proxy") if is_tls else ("HTTP_PROXY", "http_proxy")
    name = next((name for name in names if environ.get(name)), "")
    given = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    return "" if any(_covers(rule.strip(), host) for rule in given.split(",")) else name


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _covers(rule: str, host: str) -> bool:
    if not rule:
        return False
    if rule == "*":
        return True
    address = _address(host)
    if address is not None and "/" in rule:
        try:
            return address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name = rule.partition(":")[0].lower().lstrip(".").replace("*.", "")
    return host == name or host.endswith(f".{name}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
