"""The proxy that this machine uses, from its environment and its system settings."""

from __future__ import annotations

import urllib.request
from typing import Mapping
from urllib.parse import urlsplit, urlunsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def of_system() -> dict[str, str]:
    """Return the proxies by scheme (`http`, `https`, `no`), none where there is none.

    The environment counts first, then the registry of Windows and the network settings of macOS.
    """
    return {scheme: url for scheme, url in urllib.request.getproxies().items() if url}


def for_engine(proxies: Mapping[str, str], this_machine: str) -> dict[str, str]:
    """Return the variables by which the engine in the guest uses these proxies.

    A proxy on this machine's loopback is reached from there at the address `this_machine`.
    """
    variables = {}
    for scheme in ("http", "https"):
        if proxies.get(scheme):
            variables[f"{scheme.upper()}_PROXY"] = as_the_guest_sees(proxies[scheme], this_machine)
    if variables:
        variables["NO_PROXY"] = ",".join(_exceptions(proxies.get("no", "")))
    return variables


def as_the_guest_sees(url: str, this_machine: str) -> str:
    """Return the URL with this machine's address in place of its loopback."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.hostname not in _LOOPBACK:
        return urlunsplit(parts)
    user, at, _host = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{user}{at}{this_machine}{port}"))


def _exceptions(given: str) -> list[str]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    return list(dict.fromkeys([*words, "localhost", "127.0.0.0/8", "::1"]))
