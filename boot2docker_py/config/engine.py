"""Settings of the engine as the user writes them, and what would cut us off from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Sequence

AUTO, OFF = "auto", "off"

# What steers the scripts that start the engine in the guest, and would lead round NOT_OPTIONS.
NOT_VARIABLES = frozenset(
    "CACERT CAKEY CAORG CERT CERTDIR CERT_INTERFACES DOCKER_DIR DOCKER_HOST DOCKER_REMOTE "
    "DOCKER_STORAGE DOCKER_TLS DOCKER_ULIMITS ENV EXTRA_ARGS HOME IFS KEY LD_LIBRARY_PATH "
    "LD_PRELOAD ORG PATH SERVERCERT SERVERKEY SERVERORG".split()
)
_SECRET_NAME = re.compile("(?i)pass|secret|token|key|credential")


class WrongItemError(ValueError):
    """One of several values is wrong."""

    def __init__(self, words: str, item: str) -> None:
        super().__init__(words)
        self.item = item


# What the way to the engine is made of; and options that have a setting of their own.
NOT_OPTIONS = {
    **dict.fromkeys(
        ("config-file", "containerd", "data-root", "exec-root", "group", "host", "hosts"),
        "it would cut boot2docker off from the engine",
    ),
    **dict.fromkeys(
        ("pidfile", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify"),
        "it would cut boot2docker off from the engine",
    ),
    "registry-mirrors": "give it with --registry-mirror",
    "registry-mirror": "give it with --registry-mirror",
    "insecure-registries": "give it with --insecure-registry",
    "insecure-registry": "give it with --insecure-registry",
    "dns": "give it with --dns",
}


def list_of(
    one: Callable[[str], str], separator: str = r"[,\s]+"
) -> Callable[[object], tuple[str, ...]]:
    """Return a reader of lists; a text holds several, with `separator` (a pattern) between."""

    def convert(value: object) -> tuple[str, ...]:
        words = re.split(separator, value) if isinstance(value, str) else value
        if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
            raise ValueError("must be a list of texts")
        return tuple(item(word.strip()) for word in words if word.strip())

    def item(word: str) -> str:
        try:
            return one(word)
        except ValueError as error:
            raise WrongItemError(str(error), word) from error

    return convert


def mirror(word: str) -> str:
    """Read the URL of a registry mirror."""
    from urllib.parse import urlsplit

    parts = urlsplit(word)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be URLs of http or https, as https://mirror.example:5000")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must be URLs without user, query and fragment, which the engine refuses")
    return word


def registry(word: str) -> str:
    """Read a registry as the engine names it: a host with or without port, or a network."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5}|/[0-9]{1,2})?", word):
        raise ValueError("must be HOST, HOST:PORT or a network as 10.0.0.0/8")
    return word


def option(word: str) -> str:
    """Read KEY=VALUE of the engine's configuration file."""
    key, equals, _value = word.partition("=")
    if not equals or not re.fullmatch("[a-z][a-z0-9-]*", key):
        raise ValueError("must be KEY=VALUE with a key of the engine's daemon.json")
    if key in NOT_OPTIONS:
        raise ValueError(f"must not have the key {key}: {NOT_OPTIONS[key]}")
    return word


def variable(word: str) -> str:
    """Read NAME=VALUE of the engine's environment."""
    name, equals, _value = word.partition("=")
    if not equals or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("must be NAME=VALUE")
    if name in NOT_VARIABLES:
        raise ValueError(f"must not set {name}: it steers the engine's start in the VM")
    if re.search(r"[\x00-\x1f]", word):
        raise ValueError("must have no control characters")
    return word


def variable_as_shown(word: str) -> str:
    """Return NAME=VALUE without what may be a secret."""
    name, _, value = word.partition("=")
    is_secret = "@" in value or _SECRET_NAME.search(name)
    return f"{name}=***" if is_secret and value else word


def proxy(value: object) -> str:
    """Read auto, off, or the URL of a proxy."""
    word = str(value).strip()
    if word in (AUTO, OFF):
        return word
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(word)
        is_usable = parts.scheme in ("http", "https", "socks5") and bool(parts.hostname)
        is_usable = is_usable and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or re.search(r"[\x00-\x20]", word):
        raise ValueError("must be auto, off, or a URL as http://proxy.example:3128")
    return word


def certificates(value: object) -> tuple[str, ...]:
    """Read auto, off, or files of certificates."""
    import os

    words = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ValueError("must be auto, off, or a list of files")
    if OFF in words:
        return ()
    return tuple(word if word == AUTO else str(_file(word)) for word in words if word)


def scripts(value: object) -> tuple[str, ...]:
    """Read files of scripts; `always:FILE` is one for each boot."""
    import os

    words = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ValueError("must be a list of FILE or always:FILE")
    return tuple(_script(word) for word in words if word)


def _script(word: str) -> str:
    prefix = "always:" if word.startswith("always:") else ""
    return prefix + str(_file(word[len(prefix) :]))


def _file(word: str) -> Path:
    return Path(word).expanduser().absolute()


def options_of(words: Sequence[str]) -> dict[str, object]:
    """Return the options as daemon.json has them: a value is JSON where it is that, else a text."""
    return {key: _value(text) for key, _, text in (word.partition("=") for word in words)}


def _value(text: str) -> object:
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
