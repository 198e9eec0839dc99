"""Keys: made once and privately, used in any common form, refused in words otherwise."""

from __future__ import annotations

import ntpath
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from boot2docker_py.errors import StorageError, UsageError
from boot2docker_py.ssh import keys

needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="needs OpenSSH's ssh-keygen"
)


def ssh_keygen(path: Path, *options: str, passphrase: str = "") -> None:
    command = ["ssh-keygen", "-q", "-N", passphrase, "-f", str(path), *options]
    subprocess.run(command, check=True)


def test_a_missing_pair_is_made_private_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "id_boot2docker"
    line = keys.ensure_key_pair(path)
    assert line.startswith("ssh-ed25519 AAAA")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.with_name("id_boot2docker.pub").read_text().startswith(line)
    assert keys.ensure_key_pair(path) == line
    assert sorted(p.name for p in path.parent.iterdir()) == ["id_boot2docker", "id_boot2docker.pub"]


def test_the_public_half_is_a_line_as_openssh_ends_it(tmp_path: Path) -> None:
    path = tmp_path / "id_boot2docker"
    line = keys.ensure_key_pair(path)
    assert path.with_suffix(".pub").read_bytes() == f"{line} boot2docker\n".encode()


@needs_ssh_keygen
def test_openssh_reads_the_key_we_make(tmp_path: Path) -> None:
    line = keys.ensure_key_pair(tmp_path / "id")
    command = ["ssh-keygen", "-y", "-f", str(tmp_path / "id")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == (
        line.split()
    )


def test_processes_that_make_the_pair_at_once_get_the_same(tmp_path: Path) -> None:
    """Real processes, all let loose by the same file."""
    script = (
        "import pathlib, sys; from boot2docker_py.ssh import keys\n"
        "go = pathlib.Path(sys.argv[1])\n"
        "while not go.exists(): pass\n"
        "print(keys.ensure_key_pair(pathlib.Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "go"), str(tmp_path / "id")]
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(subprocess.run, command, check=True, capture_output=True) for _ in range(4)
        ]
        (tmp_path / "go").touch()
        lines = {run.result().stdout for run in runs}
    assert lines == {keys.ensure_key_pair(tmp_path / "id").encode() + b"\n"}


def test_a_lost_public_file_is_written_again(tmp_path: Path) -> None:
    line = keys.ensure_key_pair(tmp_path / "id")
    (tmp_path / "id.pub").unlink()
    assert keys.ensure_key_pair(tmp_path / "id") == line
    assert (tmp_path / "id.pub").read_text().startswith(line)


@needs_ssh_keygen
@pytest.mark.parametrize(
    "options",
    [
        ["-t", "rsa", "-b", "2048"],
        ["-t", "rsa", "-b", "2048", "-m", "PEM"],
        ["-t", "ecdsa"],
        ["-t", "ecdsa", "-m", "PKCS8"],
        ["-t", "ed25519"],
    ],
    ids=" ".join,
)
def test_an_existing_key_is_used_as_it_is(tmp_path: Path, options: list[str]) -> None:
    ssh_keygen(tmp_path / "id", *options)
    before = (tmp_path / "id").read_bytes()
    expected = (tmp_path / "id.pub").read_text().split()[:2]
    assert keys.ensure_key_pair(tmp_path / "id").split() == expected
    assert (tmp_path / "id").read_bytes() == before


@needs_ssh_keygen
def test_traces_of_a_windows_editor_do_no_harm(tmp_path: Path) -> None:
    ssh_keygen(tmp_path / "id", "-t", "ed25519")
    text = (tmp_path / "id").read_bytes()
    (tmp_path / "id").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    expected = (tmp_path / "id.pub").read_text().split()[:2]
    assert keys.ensure_key_pair(tmp_path / "id").split() == expected


@needs_ssh_keygen
@pytest.mark.parametrize("options", [["-t", "ed25519"], ["-t", "rsa", "-m", "PEM"]], ids=" ".join)
def test_a_key_with_a_passphrase_is_refused_by_name(tmp_path: Path, options: list[str]) -> None:
    ssh_keygen(tmp_path / "id", *options, passphrase="secret")
    with pytest.raises(UsageError) as caught:
        keys.ensure_key_pair(tmp_path / "id")
    assert caught.value.brief == f"a passphrase protects the SSH key '{tmp_path / 'id'}'"
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    ],
)
def test_a_broken_key_is_refused_by_name_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "id").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot make sense of the SSH key '.*id'"):
        keys.ensure_key_pair(tmp_path / "id")
    assert (tmp_path / "id").read_bytes() == content


def test_a_folder_in_place_of_the_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "id").mkdir()
    with pytest.raises(UsageError, match=r"cannot read the SSH key '.*id'"):
        keys.ensure_key_pair(tmp_path / "id")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write the SSH key '.*id'"):
        keys.ensure_key_pair(tmp_path / "file" / "id")


def test_host_keys_differ_and_are_private(tmp_path: Path) -> None:
    first, second = keys.make_host_key(), keys.make_host_key()
    assert first.private != second.private
    (tmp_path / "host").write_bytes(first.private)
    assert keys.public_line(keys.load(tmp_path / "host")) == first.public_line


def test_on_windows_the_access_list_names_the_user_alone() -> None:
    path = ntpath.join("C:\\", "Users", "Jörg Müller", "id")
    assert keys.icacls_arguments(path, "S-1-5-18") == [
        "icacls",
        path,
        "/inheritance:r",
        "/grant:r",
        "*S-1-5-18:F",
    ]


def test_an_open_umask_does_not_open_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.ensure_key_pair(tmp_path / "id")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "id").stat().st_mode) == 0o600
