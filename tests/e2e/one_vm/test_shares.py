"""Folders of this machine in the VM: by 9p, which must not be mounted while memory is written."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.e2e.conftest import VM

LONG_NAME = "Users/änne/with-a-name-that-is-no-tag-of-QEMU"


@pytest.fixture(scope="module")
def folder(one_vm: VM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Boot the VM with two shared folders; return the one that is at /work/space."""
    odd = tmp_path_factory.mktemp("odd") / "a, b=c ö"
    plain = tmp_path_factory.mktemp("plain")
    odd.mkdir()
    (odd / "hello").write_text("from an odd place")
    (plain / "hello").write_text("from here")
    one_vm.run("up", "--timeout", "150")
    shares = ["--vbox-share", f"{plain}=work/space", "--vbox-share", f"{odd}={LONG_NAME}"]
    one_vm.run("restart", *shares, "--timeout", "200")
    yield plain
    one_vm.run("up", "--timeout", "150")  # so that nothing is left of a test that failed


def in_container(vm: VM, image: str, script: str) -> str:
    return vm.docker("run", "--rm", "-v", "/work/space:/w", image, "sh", "-c", script)


def test_names_that_are_no_tags_are_where_they_should_be(vm: VM, folder: Path) -> None:
    assert vm.run("ssh", f"cat '/{LONG_NAME}/hello'") == "from an odd place"


def test_a_container_reads_and_writes_a_folder_of_this_machine(
    vm: VM, folder: Path, busybox_image: str
) -> None:
    script = "cat /w/hello; echo back > /w/answer; chmod 755 /w/answer; ln -s answer /w/link"
    assert in_container(vm, busybox_image, script) == "from here"
    assert (folder / "link").read_text() == "back\n"
    assert (folder / "answer").stat().st_mode & 0o777 == 0o755


def test_a_folder_in_use_is_named_with_its_container_and_nothing_is_begun(
    vm: VM, folder: Path, busybox_image: str
) -> None:
    mount = ["-v", "/work/space:/w"]
    vm.docker("run", "-d", "--name", "holder", *mount, busybox_image, "sleep", "10000")
    try:
        for words in (["save"], ["snapshot", "take", "held"]):
            refused = vm.try_run(*words)
            assert refused.returncode == 4
            assert "container holder" in refused.stderr.decode()
            assert "docker stop holder" in refused.stderr.decode()
        assert vm.docker("exec", "holder", "cat", "/w/hello") == "from here"
    finally:
        vm.docker("rm", "-f", "holder")


def test_they_are_there_again_after_save_and_after_a_live_snapshot(
    vm: VM, folder: Path, busybox_image: str
) -> None:
    vm.run("snapshot", "take", "with-shares")
    assert in_container(vm, busybox_image, "cat /w/hello") == "from here"
    vm.run("save")
    vm.run("up", "--timeout", "150")
    assert in_container(vm, busybox_image, "cat /w/hello") == "from here"
    vm.run("reset", "--to", "with-shares", "--timeout", "150")
    assert in_container(vm, busybox_image, "cat /w/hello") == "from here"
    vm.run("snapshot", "delete", "with-shares")
