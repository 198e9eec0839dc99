"""The file of pinned keys: read as OpenSSH would, changed as a whole, never lost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from boot2docker_py.errors import StorageError
from boot2docker_py.ssh import host_keys, keys


def test_nothing_is_pinned_at_first(tmp_path: Path) -> None:
    assert host_keys.pinned(tmp_path / "known_hosts", "vm") is None


def test_a_pinned_key_replaces_the_former_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "known_hosts"
    host_keys.pin(file, "vm", "ssh-rsa AAAA old comment")
    host_keys.pin(file, "other", "ssh-rsa BBBB")
    host_keys.pin(file, "vm", "ssh-ed25519 CCCC")
    assert host_keys.pinned(file, "vm") == "ssh-ed25519 CCCC"
    assert host_keys.pinned(file, "other") == "ssh-rsa BBBB"
    assert file.read_text() == "other ssh-rsa BBBB\nvm ssh-ed25519 CCCC\n"
    assert [path.name for path in file.parent.iterdir()] == ["known_hosts"]


def test_a_key_can_be_pinned_beside_the_former_once(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    host_keys.pin(file, "vm", "ssh-rsa AAAA")
    for _ in range(2):
        host_keys.pin(file, "vm", "ssh-ed25519 CCCC", beside_others=True)
    assert host_keys.all_pinned(file, "vm") == ["ssh-rsa AAAA", "ssh-ed25519 CCCC"]
    host_keys.pin(file, "vm", "ssh-ed25519 CCCC")
    assert host_keys.all_pinned(file, "vm") == ["ssh-ed25519 CCCC"]


def test_lines_that_mean_nothing_are_no_keys(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(b"# comment\n\nvm\n\xff\xfe\nvm ssh-ed25519 AAAA comment\n")
    assert host_keys.pinned(file, "vm") == "ssh-ed25519 AAAA"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen")
def test_openssh_finds_the_key_under_the_vms_name(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    line = keys.make_host_key().public_line
    host_keys.pin(file, "vm", line)
    command = ["ssh-keygen", "-F", "vm", "-f", str(file)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"vm {line}" in found.splitlines()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="the pinned host key in"):
        host_keys.pin(tmp_path / "file" / "known_hosts", "vm", "ssh-ed25519 AAAA")
