"""How a value is read, from whichever place it comes. Each raises ValueError with words for it.

The words follow the name of the setting: "Memory must be a whole number from 128 to ...".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

from boot2docker_py import device_names, untrusted

# What Go's strconv.ParseBool takes, which read `--dhcp=false` for the original.
TRUE_WORDS = frozenset({"1", "t", "true"})
FALSE_WORDS = frozenset({"0", "f", "false"})


def text(value: object) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not empty")
    return value


def optional_text(value: object) -> str:
    """Read a text that may be empty."""
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - one kind of error for every mistake
    return value.strip()


def truth(value: object) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ValueError("must be true or false")
    return word in TRUE_WORDS


def whole_number(low: int, high: int) -> Callable[[object], int]:
    """Return a reader of whole numbers from `low` to `high`."""

    def convert(value: object) -> int:
        try:
            is_whole = not isinstance(value, (bool, float))
            number = untrusted.number(str(value).strip(), low, high) if is_whole else None
        except ValueError:  # of `str`, for a number without end
            number = None
        if number is None:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return number

    return convert


_SIZE = r"(?i)([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(m|mb|mib|g|gb|gib|t|tb|tib)?"
_MB = {"m": 1, "g": 1024, "t": 1024 * 1024}


def size_mb(low: int, high: int) -> Callable[[object], int]:
    """Return a reader of sizes from `low` to `high` MB: `4096`, `4096m`, `4g`, `1.5 GB`."""

    def convert(value: object) -> int:
        found = re.fullmatch(_SIZE, str(value).strip()) if not isinstance(value, bool) else None
        size = float(found[1]) * _MB[(found[2] or "m")[0].lower()] if found else 0.0
        if size != int(size) or not low <= size <= high:
            raise ValueError(
                f"must be a size from {low} MB to {high // _MB['g']} GB: a number of MB, "
                "or one with a unit, as 512m or 4g"
            )
        return int(size)

    return convert


_DURATION = r"(?i)([0-9]{0,9}\.?[0-9]{1,9}) ?(s|sec|m|min|h)?"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(value: object) -> float:
    """Read a duration: seconds, or a number with a unit, as `90s`, `5m` or `1h`."""
    found = re.fullmatch(_DURATION, str(value).strip())
    seconds = float(found[1]) * _SECONDS[(found[2] or "s")[0].lower()] if found else 0.0
    if not 0 < seconds <= 86400:
        raise ValueError(
            "must be a time above 0, at most a day: a number of seconds, "
            "or one with a unit, as 90s or 5m"
        )
    return seconds


def choice(*words: str) -> Callable[[object], str]:
    """Return a reader of one of `words`."""

    def convert(value: object) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return convert


def demand_no_nul(value: object) -> None:
    """Raise ValueError for a text with a NUL in it, alone or in a list: no path can have one."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    if any("\0" in part for part in parts if isinstance(part, str)):
        raise ValueError("cannot have a NUL in it")


def vm_name(value: object) -> str:
    """Read the name of a VM, which is also the name of its folder."""
    name = text(value)
    # What no file system or hypervisor takes in a name, Windows included.
    if re.search(r'[/\\:*?"<>|\x00-\x1f]', name) or name[0] in ".-" or name[-1] in ". ":
        raise ValueError(
            'must be a plain name: no / \\ : * ? " < > |, not beginning with . or -, '
            "not ending with a dot or a space"
        )
    if device_names.is_device(name):
        raise ValueError("must be a plain name: Windows keeps this one for a device")
    if len(name.encode()) > 64:
        raise ValueError("must be at most 64 bytes long")
    return name


def network_name(value: object) -> str:
    """Read the name of an internal network, or nothing."""
    name = optional_text(value)
    if name and not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,39}", name):
        raise ValueError(
            "must be at most 40 letters, digits, - and _, and begin with a letter or digit"
        )
    return name


def sha256(value: object) -> str:
    """Read a SHA-256 digest, or nothing."""
    digest = optional_text(value).lower()
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("must be 64 hexadecimal digits")
    return digest


def path(value: object) -> Path:
    """Read a file name; `~` is the home folder."""
    return Path(text(value)).expanduser().absolute()


def optional_path(value: object) -> Path | None:
    """Read a file name, or nothing."""
    return path(value) if optional_text(value) else None


def readable_path(value: object) -> Path:
    """Read the name of a file to be read: not a pipe or a device, which may never end."""
    found = path(value)
    if found.exists() and not (found.is_file() or found.is_dir()):
        raise ValueError("must name a file, not a pipe or a device")
    return found


def optional_readable_path(value: object) -> Path | None:
    """Read the name of a file to be read, or nothing."""
    return readable_path(value) if optional_text(value) else None


def address(value: object) -> str:
    """Read an IPv4 address."""
    import ipaddress

    # The original's profile holds a mask as an array of four numbers.
    dotted = ".".join(str(part) for part in value) if isinstance(value, list) else str(value)
    try:
        return str(ipaddress.IPv4Address(dotted))
    except ValueError:
        raise ValueError("must be an IPv4 address") from None


def nat_network(value: object) -> str:
    """Read a private network of 256 addresses, as 10.0.2.0/24."""
    import ipaddress

    try:
        network = ipaddress.IPv4Network(str(value))
    except ValueError:
        raise ValueError("must be a network, as 10.0.2.0/24") from None
    is_usable = network.is_private and not (network.is_loopback or network.is_link_local)
    if network.prefixlen != 24 or not is_usable:
        raise ValueError("must be a private network of 256 addresses, as 10.0.2.0/24")
    return str(network)
