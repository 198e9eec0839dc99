"""What becomes of daemon.json when settings from here come on top."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.errors import GuestError, StorageError
from boot2docker_py.guest import engine_settings, provision
from boot2docker_py.guest.engine_settings import EngineSettings
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline


class Guest:
    """A guest with a daemon.json, that takes what it is sent or says why not."""

    def __init__(self, config: bytes = b"", refusal: str = "") -> None:
        self.config = config
        self.refusal = refusal
        self.files: dict[str, bytes] = {}
        self.restarts = 0

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        if not stdin:
            return Result(0, self.files.get("digest", b"\n") + self.config, b"")
        if self.refusal:
            return Result(engine_settings.REFUSED, b"", self.refusal.encode())
        with tarfile.open(fileobj=io.BytesIO(stdin)) as tar:
            self.files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
        self.restarts += 1
        return Result(0, b"", b"")


def apply(guest: Guest, settings: EngineSettings) -> bool:
    return engine_settings.apply(guest, settings, Deadline(10))  # type: ignore[arg-type]


def test_lists_are_joined_and_other_options_are_ours() -> None:
    theirs = {"registry-mirrors": ["a"], "log-level": "warn", "mtu": 1400}
    ours = {"registry-mirrors": ["b", "a"], "log-level": "debug"}
    assert engine_settings.merged(theirs, ours) == {
        **{"registry-mirrors": ["a", "b"], "log-level": "debug", "mtu": 1400},
    }


def test_settings_are_taken_once() -> None:
    guest = Guest(b'{"mtu": 1400}')
    wanted = EngineSettings({"debug": True}, {"HTTP_PROXY": "http://it's:1"}, {"a.pem": b"PEM"})
    assert apply(guest, wanted)
    assert not apply(guest, wanted)
    assert guest.restarts == 1
    assert b'"mtu": 1400' in guest.files["daemon.json"]
    assert b"export HTTP_PROXY='http://it'\"'\"'s:1'" in guest.files["engine.sh"]
    assert guest.files["certs/boot2docker-py-a.pem"] == b"PEM"


def test_settings_are_taken_back() -> None:
    guest = Guest()
    assert apply(guest, EngineSettings({"debug": True}))
    assert apply(guest, EngineSettings())
    assert set(guest.files) == {"digest"}
    assert not apply(guest, EngineSettings())


def test_a_change_of_the_users_file_is_followed() -> None:
    guest = Guest()
    assert apply(guest, EngineSettings({"debug": True}))
    guest.config = b'{"mtu": 1400}'
    assert apply(guest, EngineSettings({"debug": True}))


def test_the_engines_words_are_told() -> None:
    guest = Guest(refusal="invalid logging level: loud")
    with pytest.raises(GuestError) as caught:
        apply(guest, EngineSettings({"log-level": "loud"}))
    assert "invalid logging level" in caught.value.details


@pytest.mark.parametrize("config", [b"[1]", b"{", b"[" * 100_000, b"\xff"])
def test_a_daemon_json_that_is_none_is_named(config: bytes) -> None:
    with pytest.raises(GuestError, match="daemon.json"):
        apply(Guest(config), EngineSettings({"debug": True}))


def test_a_script_is_read_as_the_guest_needs_it(tmp_path: Path) -> None:
    script = tmp_path / "setup.sh"
    script.write_bytes(b"\xef\xbb\xbf#!/bin/sh\r\necho hi\r\n")
    assert provision.read(script) == b"#!/bin/sh\necho hi\n"
    script.write_bytes(bytes(provision.SCRIPT_LIMIT_BYTES + 1))
    for file in (script, tmp_path, tmp_path / "none"):
        with pytest.raises(StorageError):
            provision.read(file)
