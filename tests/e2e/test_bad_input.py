"""What a user may get wrong: the right words, the right status, nothing changed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.image.iso_bytes import make_iso


@pytest.fixture
def small_iso(tmp_path: Path) -> Path:
    image = tmp_path / "small.iso"
    image.write_bytes(make_iso())
    return image


def run(
    *words: str, prefix: list[str] | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    program = [*(prefix or []), sys.executable, "-m", "boot2docker_py", *words]
    return subprocess.run(
        program,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=120,
    )


def contents(home: Path) -> dict[str, bytes]:
    """Return what a failed command must leave as it was: all but logs, locks and keys."""
    kept = (".log", ".lock", "id_boot2docker", "id_boot2docker.pub")
    files = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(kept)]
    return {str(path.relative_to(home)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["init", "--memory", "0"], 2, "--memory must be a size"),
        (["init", "--cpus", "0"], 2, "--cpus must be"),
        (["init", "--disksize", "1"], 2, "--disksize must be"),
        (["init", "--sshport", "99999"], 2, "--sshport must be"),
        (["init", "--sshport", "3000", "--dockerport", "3000"], 2, "--sshport and --dockerport"),
        (["init", "--vm", "a/b"], 2, "must be a plain name"),
        (["init", "--driver", "hyperv"], 2, "must be one of"),
        (["init", "--iso-url", "/no/such.iso"], 8, "there is no image at '/no/such.iso'"),
        (["init", "--sha256", "0" * 64], 8, "checksum is wrong"),
        (["init", "--timeout", "never"], 2, "--timeout must be"),
        (["init", "--sshkey", "pyproject.toml"], 2, "SSH key"),
        (["status"], 3, "does not exist"),
        (["down"], 3, "does not exist"),
        (["statsu"], 2, "did you mean 'status'?"),
    ],
)
def test_refused_before_anything_is_made(
    home: Path, small_iso: Path, words: list[str], status: int, told: str
) -> None:
    if words[0] == "init" and "--iso-url" not in words:
        words = [*words, "--iso-url", str(small_iso)]
    answer = run(*words)
    assert (answer.returncode, answer.stdout) == (status, "")
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not any(name.startswith("vms") for name in contents(home))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE html><html><body>Log in, please</body></html>", "is a web page"),
        (make_iso()[:-4096], "is truncated"),
        (b"\0" * 100_000, "not"),
    ],
    ids=["web page", "truncated", "zeros"],
)
def test_bytes_that_are_no_image(home: Path, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "bad.iso").write_bytes(content)
    answer = run("init", "--iso-url", str(tmp_path / "bad.iso"))
    assert answer.returncode == 8
    assert told in answer.stderr
    assert contents(home) == {}


def test_port_that_is_taken(home: Path, small_iso: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ("init", "--iso-url", str(small_iso), "--sshport", port)
        answer = run(*words)
    assert answer.returncode == 7
    assert port in answer.stderr
    assert run("status").returncode == 3
    assert not (home / "boot2docker.iso").exists(), "an image was fetched for nothing"
    assert run(*words).returncode == 0
    assert (home / "boot2docker.iso").exists()


def test_no_hypervisor(small_iso: Path) -> None:
    answer = run("init", "--iso-url", str(small_iso), PATH="/nowhere", BOOT2DOCKER_QEMU="")
    assert answer.returncode == 6
    assert "apt" in answer.stderr


def test_broken_profile_stops_before_anything(home: Path, small_iso: Path) -> None:
    home.mkdir()
    (home / "profile").write_text('VM = "x"\nMemroy = 3\n')
    answer = run("init", "--iso-url", str(small_iso))
    assert answer.returncode == 2
    assert "line 2: Memroy is unknown; did you mean Memory?" in answer.stderr
    assert list(contents(home)) == ["profile"]


def test_errors_in_json(small_iso: Path) -> None:
    answer = run("status", "--json")
    assert json.loads(answer.stdout)["error"]["code"] == "not_found"
    assert answer.stderr == ""


def mounted(folder: Path, options: str) -> list[str]:
    """Return what runs a program with a small file system of its own at `folder`."""
    folder.mkdir(parents=True)
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    mount = f'mount -t tmpfs -o mode=700,{options} tmpfs "$0" && exec "$@"'
    return ["unshare", "--mount", *as_root, "sh", "-c", mount, str(folder)]


def test_disk_full_while_the_image_is_fetched(home: Path, small_iso: Path) -> None:
    answer = run("init", "--iso-url", str(small_iso), prefix=mounted(home, "size=64k"))
    assert answer.returncode == 8, answer.stderr
    assert "space" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_disk_full_while_the_vm_is_made(home: Path, small_iso: Path, tmp_path: Path) -> None:
    image = tmp_path / "boot2docker.iso"
    shutil.copy(small_iso, image)
    answer = run("init", "--iso", str(image), prefix=mounted(home, "size=48k"))
    assert answer.returncode == 1, answer.stderr
    assert "space" in answer.stderr.lower()
    assert "defect" not in answer.stderr


def test_folder_that_is_not_writable(home: Path, small_iso: Path) -> None:
    answer = run("init", "--iso-url", str(small_iso), prefix=mounted(home, "ro"))
    assert answer.returncode in (1, 8)
    assert str(home) in answer.stderr
    assert "defect" not in answer.stderr


def test_disk_does_not_shrink(home: Path, small_iso: Path) -> None:
    assert run("init", "--iso-url", str(small_iso), "--disksize", "3000").returncode == 0
    before = contents(home)
    answer = run("init", "--disksize", "1000")
    assert answer.returncode == 2
    assert "cannot shrink to 1000 MB" in answer.stderr
    assert contents(home) == before
    assert run("init", "--disksize", "3000").returncode == 0


@pytest.mark.parametrize("name", ["my vm", "Käyttäjä O'Neil", "a,b=c"])
def test_odd_names_work(small_iso: Path, name: str) -> None:
    assert run("init", "--vm", name, "--iso-url", str(small_iso)).returncode == 0
    assert run("--vm", name, "status").stdout == "poweroff\n"
    assert run("status").returncode == 3
    assert run("delete", "--vm", name).returncode == 0
    assert run("--vm", name, "status").returncode == 3


def test_missing_image_is_named_at_start(home: Path, small_iso: Path) -> None:
    run("init", "--iso-url", str(small_iso))
    (home / "boot2docker.iso").unlink()
    answer = run("up")
    assert answer.returncode == 3
    assert "boot2docker download" in answer.stderr
    assert run("status").stdout == "poweroff\n"


def test_missing_disk_is_a_broken_vm_that_can_be_deleted(home: Path, small_iso: Path) -> None:
    run("init", "--iso-url", str(small_iso))
    (home / "vms" / "boot2docker-vm" / "disk.qcow2").unlink()
    assert run("status").stdout == "broken\n"
    answer = run("up")
    assert answer.returncode == 4
    assert "disk.qcow2" in answer.stderr
    assert run("delete").returncode == 0


def test_delete_spares_the_image_and_the_key(home: Path, small_iso: Path) -> None:
    run("init", "--iso-url", str(small_iso))
    run("delete")
    assert (home / "boot2docker.iso").exists()
    assert (home / "id_boot2docker").exists()
    assert not (home / "vms" / "boot2docker-vm").exists()
