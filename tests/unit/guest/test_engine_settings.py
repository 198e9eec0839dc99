"""What becomes of daemon.json when settings from here come on top."""

from __future__ import annotations

import io
import json
import logging
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.errors import DeadlineError, GuestError, StorageError
from boot2docker_py.guest import engine_settings, provision
from boot2docker_py.guest.engine_settings import EngineSettings
from boot2docker_py.ssh.connection import Result
from boot2docker_py.wait import Deadline


class Guest:
    """A guest with a daemon.json, that takes what it is sent or says why not."""

    def __init__(
        self, config: bytes = b"", refusal: str = "", *, has_name_server: bool = False
    ) -> None:
        self.config = config
        self.has_name_server = has_name_server
        self.refusal = refusal
        self.files: dict[str, bytes] = {}
        self.restarts = 0

    def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
        if not stdin:
            has = b"yes\n" if self.has_name_server else b"no\n"
            return Result(0, self.files.get("digest", b"\n") + has + self.config, b"")
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


def test_name_servers_are_asked_by_the_one_of_the_image() -> None:
    wanted = EngineSettings({"dns": ["10.1.1.1", "10.1.1.2"]})
    ours = Guest(has_name_server=True)
    assert apply(ours, wanted)
    assert ours.files["dns"] == b"nameserver 10.1.1.1\nnameserver 10.1.1.2\n"
    assert "daemon.json" not in ours.files
    assert not apply(ours, wanted)
    other_image = Guest()
    assert apply(other_image, wanted)
    assert b"10.1.1.2" in other_image.files["daemon.json"]


def test_name_servers_of_the_users_own_daemon_json_stay_in_force() -> None:
    guest = Guest(b'{"dns": ["10.9.9.9"]}', has_name_server=True)
    assert apply(guest, EngineSettings({"dns": ["10.1.1.1"]}))
    assert json.loads(guest.files["daemon.json"]) == {"dns": ["10.9.9.9", "10.1.1.1"]}
    assert "dns" not in guest.files


def test_the_engines_words_are_told() -> None:
    guest = Guest(refusal="invalid logging level: loud")
    with pytest.raises(GuestError) as caught:
        apply(guest, EngineSettings({"log-level": "loud"}))
    assert "invalid logging level" in caught.value.details


def test_an_engine_that_does_not_restart_in_time_is_named_and_no_script() -> None:
    class Slow(Guest):
        def run(self, command: Any, *, stdin: bytes = b"", timeout_s: float) -> Result:
            if stdin:
                raise DeadlineError("a command in the VM did not end", details=str(command))
            return super().run(command, timeout_s=timeout_s)

    with pytest.raises(DeadlineError) as caught:
        apply(Slow(), EngineSettings({"debug": True}))
    assert caught.value.brief.startswith("the engine did not restart with its settings within")
    assert "sh -c" not in caught.value.details


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


class _Hanging:
    """A guest whose script ends when it has been reported."""

    def __init__(self) -> None:
        self.said = threading.Event()

    def run(self, _command: object, *, stdin: bytes, timeout_s: float) -> Result:
        assert self.said.wait(timeout_s), "nobody was told"
        return Result(0, b"", b"")


def test_a_script_that_takes_long_is_named_while_it_runs(tmp_path: Path) -> None:
    script = tmp_path / "slow.sh"
    script.write_text("sleep 1000")
    guest = _Hanging()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "'slow.sh' still runs in the VM" in record.getMessage():
                guest.said.set()

    log, listener = logging.getLogger("boot2docker_py.guest.provision"), Listener()
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        done = provision.run(guest, [str(script)], Deadline(60), say_after_s=0.01)  # type: ignore[arg-type]
    finally:
        log.removeHandler(listener)
        log.setLevel(logging.NOTSET)
    assert done == ["slow.sh"]
