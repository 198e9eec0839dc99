"""The docker client of this machine: which versions of the engine's API it speaks."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Mapping

from boot2docker_py import untrusted
from boot2docker_py.docker.environment import IN_THE_WAY

ANSWER_S = 20.0
VERSION_LETTERS = 100
# moby/moby, pull requests 46887 (what clients fall back to) and 51119 (since Docker 29).
OLDEST_SPOKEN = "1.24"
OLDEST_SPOKEN_SINCE_29 = "1.44"


@dataclass(frozen=True)
class Client:
    """A docker client; what it does not tell is empty."""

    program: str
    version: str = ""
    newest_api: str = ""
    complaint: str = ""  # why it did not talk to the engine it was pointed at

    @property
    def oldest_api(self) -> str:
        """Return the oldest version that it speaks, by what is known of its releases."""
        major = re.match("[0-9]{1,9}", self.version)
        is_29 = major is not None and int(major.group()) >= 29
        return OLDEST_SPOKEN_SINCE_29 if is_29 else OLDEST_SPOKEN


def ask(docker_host: str, environ: Mapping[str, str]) -> Client | None:
    """Let the docker client talk to the engine at `docker_host`; None when there is no client."""
    program = shutil.which("docker", path=environ.get("PATH"))
    if program is None:
        return None
    kept = {name: value for name, value in environ.items() if name not in IN_THE_WAY}
    words = [program, "version", "--format", "{{json .}}"]
    try:
        answer = subprocess.run(
            words,
            env={**kept, "DOCKER_HOST": docker_host},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Client(program, complaint=f"it did not end within {ANSWER_S:g} s")
    except OSError as error:
        return Client(program, complaint=str(error))
    complaint = answer.stderr.decode(errors="replace").strip() if answer.returncode else ""
    return understood(program, answer.stdout, complaint)


def plugin_version(program: str, name: str, environ: Mapping[str, str]) -> str:
    """Return the version of a plugin of the docker client; empty when it has none that runs."""
    kept = {name: value for name, value in environ.items() if name not in IN_THE_WAY}
    try:
        told = subprocess.run(
            [program, name, "version"],
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"v?([0-9]+\.[0-9]+[^\s,]{0,40})", told.stdout.decode(errors="replace"))
    return found[1] if found and told.returncode == 0 else ""


def understood(program: str, told: bytes, complaint: str) -> Client:
    """Return the client that printed this."""
    try:
        document: Any = untrusted.parsed_json(told)
        client = document["Client"]
        version = _version(client.get("Version"))
        newest = _version(client.get("DefaultAPIVersion") or client.get("ApiVersion"))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Client(program, complaint=complaint or "it does not say which version it is")
    return Client(program, version, newest, complaint)


def _version(value: object) -> str:
    """Return what a client says of a version; nothing if it is longer than any."""
    text = value if isinstance(value, str) else ""
    return text if len(text) <= VERSION_LETTERS else ""


def can_talk(client: Client, engine_oldest: str, engine_newest: str) -> bool:
    """Tell whether there is a version of the API that both speak."""
    ours = _number(client.oldest_api), _number(client.newest_api)
    return ours[0] <= _number(engine_newest) and _number(engine_oldest) <= ours[1]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall("[0-9]{1,9}", version)[:2])
