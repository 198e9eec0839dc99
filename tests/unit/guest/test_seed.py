"""The seed: what the official image reads of it, and what ours does, unpacked by the real tar."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from boot2docker_py.errors import UsageError
from boot2docker_py.guest import seed
from boot2docker_py.ssh import keys

ED25519 = "ssh-ed25519 " + "A" * 68
RSA_4096 = "ssh-rsa " + "A" * 716
FILES = {
    "ssh/ssh_host_ed25519_key": b"private\n",
    "ssh/ssh_host_ed25519_key.pub": b"public\n",
    "etc/hostname": b"name\n",
    "bootlocal.sh": b"#!/bin/sh\n",
}

TARS = [["tar"], ["busybox", "tar"]]


def unpack(tar: list[str], archive: bytes, folder: Path) -> Path:
    if shutil.which(tar[0]) is None:
        pytest.skip(f"needs {tar[0]}")
    folder.mkdir()
    done = subprocess.run(
        [*tar, "-x", "-p", "-f", "-", "-C", str(folder)],
        input=archive,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_disk_begins_with_the_magic() -> None:
    assert seed.build_seed(ED25519, {}).startswith(b"boot2docker, please format-me\0")


def test_the_same_input_gives_the_same_bytes() -> None:
    files_in_another_order = dict(reversed(list(FILES.items())))
    assert seed.build_seed(ED25519, FILES) == seed.build_seed(ED25519, files_in_another_order)


@pytest.mark.parametrize("tar", TARS, ids=" ".join)
def test_cut_at_4096_bytes_the_official_image_gets_its_keys(tmp_path: Path, tar: list[str]) -> None:
    home = unpack(tar, seed.build_seed(ED25519, FILES)[:4096], tmp_path / "home")
    assert mode(home / ".ssh") == 0o700
    for name in ("authorized_keys", "authorized_keys2"):
        assert (home / ".ssh" / name).read_text() == ED25519 + "\n"
        assert mode(home / ".ssh" / name) == 0o600
    assert sorted(p.name for p in home.rglob("*") if p.is_file()) == [
        "authorized_keys",
        "authorized_keys2",
        "boot2docker, please format-me",
    ]


@pytest.mark.parametrize("tar", TARS, ids=" ".join)
def test_whole_it_brings_the_files_as_well(tmp_path: Path, tar: list[str]) -> None:
    home = unpack(tar, seed.build_seed(ED25519, FILES), tmp_path / "home")
    for name, content in FILES.items():
        assert (home / ".boot2docker" / name).read_bytes() == content
    assert mode(home / ".boot2docker/ssh/ssh_host_ed25519_key") == 0o600
    assert mode(home / ".boot2docker/bootlocal.sh") == 0o700
    assert (home / ".ssh/authorized_keys").read_text() == ED25519 + "\n"


@pytest.mark.parametrize("line", [ED25519, RSA_4096, "ssh-rsa " + "A" * 2000], ids=len)
def test_a_key_of_any_usual_length_is_whole_within_4096_bytes(tmp_path: Path, line: str) -> None:
    """A long key is there once; the second copy makes room for it (peers.md, 4.2)."""
    whole = seed.build_seed(line, FILES)
    home = unpack(["tar"], whole[:4096], tmp_path / "home")
    assert (home / ".ssh" / "authorized_keys").read_text() == line + "\n"
    assert (home / ".ssh" / "authorized_keys2").exists() is (len(line) < 512)
    assert (unpack(["tar"], whole, tmp_path / "ours") / ".boot2docker/etc/hostname").exists()


def test_a_key_that_cannot_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="the SSH key is too long"):
        seed.build_seed("ssh-rsa " + "A" * 2100, {})


def test_headers_name_the_guests_user() -> None:
    header = seed.build_seed(ED25519, {})[1024:1536]
    assert header.startswith(b".ssh/")
    assert (int(header[108:115], 8), int(header[116:123], 8)) == (1000, 50)


def test_more_than_the_guest_reads_is_refused() -> None:
    seed.build_seed(ED25519, {"big": bytes(1024 * 1024 - 8192)})
    with pytest.raises(UsageError, match="the files to bring into the VM take"):
        seed.build_seed(ED25519, {"big": bytes(1024 * 1024)})


def test_our_own_keys_fit(tmp_path: Path) -> None:
    line = keys.ensure_key_pair(tmp_path / "id")
    host_key = keys.make_host_key()
    assert host_key.private in seed.build_seed(line, {"ssh/host": host_key.private})
