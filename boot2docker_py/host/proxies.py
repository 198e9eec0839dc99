"""The proxy that this machine uses, from its environment and its system settings."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import urllib.request
from typing import Callable, Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

from boot2docker_py.masking import without_secrets

log = logging.getLogger(__name__)

_IS_WINDOWS = sys.platform == "win32"

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_INTERNET_SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
_NETWORK = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,2})\.\*(?:\.\*)*")


def of_system() -> dict[str, str]:
    """Return the proxies by scheme (`http`, `https`, `no`), none where there is none.

    The environment counts first, then the registry of Windows and the network settings of macOS.
    """
    variables = _usable(urllib.request.getproxies_environment())
    if variables.get("http") or variables.get("https"):
        return variables
    return {**_of_settings(), **variables}


def _of_settings() -> dict[str, str]:
    """Return the proxies set in Windows or macOS, by scheme; elsewhere none."""
    # Not `getproxies`: it leaves the settings alone for any variable that ends in _proxy, also for
    # BOOT2DOCKER_PROXY.
    for name in ("getproxies_registry", "getproxies_macosx_sysconf"):
        if hasattr(urllib.request, name):
            found = _usable(getattr(urllib.request, name)())
            return _with_settings_of_windows(found, _internet_setting) if _IS_WINDOWS else found
    return {}


def _usable(found: Mapping[str, str]) -> dict[str, str]:
    return {
        scheme: found[scheme]
        for scheme in ("http", "https", "no")
        if found.get(scheme) and (scheme == "no" or _is_url(scheme, found[scheme]))
    }


def _is_url(scheme: str, proxy: str) -> bool:
    """Tell whether it is the URL of a proxy, or warn that it is none."""
    with contextlib.suppress(ValueError):  # as of a bracket in a password, or a port that is none
        parts = _parts(proxy)
        if parts.hostname and parts.port != 0:
            return True
    # Not quoted: where no part can be told from another, none can be kept out.
    log.warning(
        "This machine's proxy for %s is not used, because it is no URL: correct it (in a password "
        "/ is %%2F, [ is %%5B, ] is %%5D), or name it for the engine with --proxy URL.",
        scheme,
    )
    return False


def _with_settings_of_windows(
    found: Mapping[str, str], setting: Callable[[str], str]
) -> dict[str, str]:
    """Return the proxies with what Python does not read of the user's settings."""
    if not found and setting("AutoConfigURL"):
        log.warning(
            "This machine's proxy is chosen by a script (%s), which is not read: name it for the "
            "engine with --proxy URL, or say --proxy off.",
            without_secrets(setting("AutoConfigURL")),
        )
    if not found:
        return {}
    # A proxy of Windows speaks HTTP, whatever goes through it; Python 3.8 names it after that.
    spoken = {scheme: re.sub("^https://", "http://", url) for scheme, url in found.items()}
    return {**spoken, "no": ",".join(exceptions_of_windows(setting("ProxyOverride")))}


def exceptions_of_windows(override: str) -> list[str]:
    """Return for which hosts no proxy is to be used, as the engine names them.

    `override` is the registry's list: `*` may stand for anything in a name
    (https://learn.microsoft.com/windows/win32/wininet/enabling-internet-functionality).
    What the engine has no words for is left out: `<local>`, and a `*` inside of a name.
    """
    found = []
    for word in filter(None, re.split(r"[;\s]+", override)):
        name = word.partition("://")[2] or word
        network = _NETWORK.fullmatch(name)
        if network:
            numbers = network[1].split(".")
            address = ".".join([*numbers, *["0"] * (4 - len(numbers))])
            found.append(f"{address}/{8 * len(numbers)}")
        elif name.startswith("*") and "*" not in name[1:]:
            found.append("." + name[1:].lstrip("."))
        elif "*" not in name and "<" not in name:
            found.append(name)
    return [word for word in found if word != "."]


def _internet_setting(name: str) -> str:
    """Return a setting of the internet of this user, empty where there is none."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _INTERNET_SETTINGS) as key:
                return str(winreg.QueryValueEx(key, name)[0])
        except OSError:
            return ""
    else:
        return ""


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
    parts = _parts(url)
    if parts.hostname not in _LOOPBACK:
        return urlunsplit(parts)
    user, at, _host = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{user}{at}{this_machine}{port}"))


def _parts(proxy: str) -> SplitResult:
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _exceptions(given: str) -> list[str]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    return list(dict.fromkeys([*words, "localhost", "127.0.0.0/8", "::1"]))
