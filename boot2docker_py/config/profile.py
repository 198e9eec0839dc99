"""The profile file: TOML, as the original wrote it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from boot2docker_py.errors import ConfigError


def read_text(profile: Path) -> str:
    """Return the text of the profile; no file is an empty profile."""
    try:
        # Editors on Windows begin UTF-8 files with a byte order mark, which TOML does not know.
        _demand_file(profile)
        return profile.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        # Windows says the first where the folder is a file, too.
        if isinstance(error, FileNotFoundError) and not profile.parent.is_file():
            return ""
        raise ConfigError(
            f"'{profile.parent}' is not a folder",
            details="the profile would lie in it",
            resolution="Name a folder with BOOT2DOCKER_DIR.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the profile '{profile}'",
            details=str(error),
            resolution="Save it as UTF-8 text that you may read, or move it away.",
        ) from error


def _demand_file(profile: Path) -> None:
    """Raise OSError for what would never end, as a pipe: no deadline runs yet."""
    if profile.exists() and not profile.is_file():
        raise OSError("it is not a file")


def parse(text: str, profile: Path) -> dict[str, Any]:
    """Return the keys and values of the TOML `text`; `profile` names it in the error."""
    if not text.strip():
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return dict(tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # also numbers and nesting without end
        raise ConfigError(
            f"the profile '{profile}' is not valid TOML",
            details=str(error)[:500],
            resolution='A line is KEY = VALUE; texts stand in quotes: VM = "boot2docker-vm".',
        ) from error


def line_of(key: str, text: str) -> int:
    """Return the number of the line on which `key` stands; TOML readers do not tell."""
    pattern = re.compile(r'\s*\[*\s*["\']?' + re.escape(key) + r'["\']?\s*[=.\]]')
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if pattern.match(line)), 1)


def value_as_toml(value: object) -> str:
    """Return `value` in TOML; None is the empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(value_as_toml(one) for one in value)}]"
    text = "" if value is None else str(value)
    escaped = "".join(_escaped(character) for character in text)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return f"\\u{ord(character):04x}" if ord(character) < 32 or ord(character) == 127 else character
