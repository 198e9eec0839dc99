"""The docker client's own configuration folder: which engine it talks to, and why.

What is written here is what docker 28 itself reads and writes: cli/config/configfile and
cli/context/store in the sources of docker/cli.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from boot2docker_py import whole_file
from boot2docker_py.errors import ConfigError, StorageError
from boot2docker_py.paths import make_missing_folders

DEFAULT_CONTEXT = "default"


@dataclass(frozen=True)
class Choice:
    """The context that docker uses now, and the place where that was chosen."""

    context: str  # empty when `host` was chosen directly
    host: str  # empty when a context was chosen
    chosen_by: str  # DOCKER_HOST, DOCKER_CONTEXT, the path of config.json; empty: it was not chosen


class DockerConfig:
    """The folder that docker keeps its `config.json` and contexts in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def find(cls, environ: Mapping[str, str], user_home: Path) -> DockerConfig:
        """Return the folder that docker would use in this environment."""
        named = environ.get("DOCKER_CONFIG")
        return cls(Path(named).absolute() if named else user_home / ".docker")

    @property
    def file(self) -> Path:
        """Return docker's own settings file."""
        return self.folder / "config.json"

    @property
    def contexts(self) -> Path:
        """Return the folder of all contexts."""
        return self.folder / "contexts"

    def read(self) -> dict[str, Any]:
        """Return docker's settings, empty when there are none.

        Raises:
            ConfigError: the file is there and is not what docker reads.
        """
        return read_object(self.file)

    def current_context(self) -> str:
        """Return the name of the current context, empty when none was chosen.

        Raises:
            ConfigError: the settings file cannot be read.
        """
        return str(self.read().get("currentContext") or "")

    def set_current_context(self, name: str) -> None:
        """Make the context `name` current, none with an empty name; other settings are kept.

        Raises:
            ConfigError: the settings file cannot be read; it is left as it is.
            StorageError: it cannot be written.
        """
        settings = self.read()
        settings.pop("currentContext", None)
        if name:
            settings["currentContext"] = name
        write_object(self.file, settings)

    def choice(self, environ: Mapping[str, str]) -> Choice:
        """Return which engine docker talks to in this environment, without a flag of its own.

        Raises:
            ConfigError: the settings file cannot be read.
        """
        if environ.get("DOCKER_HOST"):
            return Choice("", environ["DOCKER_HOST"], "DOCKER_HOST")
        if environ.get("DOCKER_CONTEXT"):
            return Choice(environ["DOCKER_CONTEXT"], "", "DOCKER_CONTEXT")
        current = self.current_context()
        return Choice(current or DEFAULT_CONTEXT, "", str(self.file) if current else "")


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in `file`, empty when there is no file.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    try:
        text = whole_file.read(file).decode()
        value = json.loads(text) if text else {}  # docker takes an empty file for one, too
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, str(error)) from error
    if not isinstance(value, dict):
        raise _unreadable(file, "it holds no JSON object")
    return value


def write_object(file: Path, value: Mapping[str, object]) -> None:
    """Write `value` to `file` as JSON, whole or not at all; its rights and links are kept.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        file = Path(os.path.realpath(file))
        make_missing_folders(file.parent)
        whole_file.write(file, _as_json(value))
    except OSError as error:
        raise StorageError(
            f"cannot write '{file}'",
            details=str(error),
            resolution="Make the folder writable, or name another with DOCKER_CONFIG.",
        ) from error


def _as_json(value: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(value, indent="\t", ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a letter, which JSON can name and UTF-8 cannot
        return json.dumps(value, indent="\t").encode()


def _unreadable(file: Path, details: str) -> ConfigError:
    return ConfigError(
        f"cannot read docker's '{file}'",
        details=details,
        resolution="Correct the file, or move it away; docker makes a new one. It was not touched.",
    )
