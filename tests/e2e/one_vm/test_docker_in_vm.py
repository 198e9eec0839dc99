"""`boot2docker docker`: the client of the VM, on our own streams."""

from __future__ import annotations

import os

import pytest

from tests.e2e.conftest import VM
from tests.e2e.one_vm.test_ssh import Terminal


@pytest.mark.parametrize("status", [0, 7, 125])
def test_the_status_is_that_of_the_container(vm: VM, busybox_image: str, status: int) -> None:
    words = ["docker", "run", "--rm", busybox_image, "sh", "-c", f"exit {status}"]
    assert vm.try_run(*words).returncode == status


def test_streams_are_exact_and_apart(vm: VM, busybox_image: str) -> None:
    data = os.urandom(300_000) + bytes(range(256))
    script = "cat > /x; cat /x; cat /x >&2"
    answer = vm.try_run(
        "docker", "run", "-i", "--rm", busybox_image, "sh", "-c", script, stdin=data
    )
    assert answer.returncode == 0
    assert (answer.stdout, answer.stderr) == (data, data)


def test_words_stay_words(vm: VM, busybox_image: str) -> None:
    said = vm.run(
        "docker", "run", "--rm", "-e", "A=it's $HOME", busybox_image, "sh", "-c", 'echo "$A"'
    )
    assert said == "it's $HOME\n"


def test_a_variable_of_this_machine_is_passed(vm: VM, busybox_image: str) -> None:
    vm.environ["OF_THIS_MACHINE"] = "a & b"
    words = [
        "run",
        "--rm",
        "-e",
        "OF_THIS_MACHINE",
        busybox_image,
        "sh",
        "-c",
        'echo "$OF_THIS_MACHINE"',
    ]
    assert vm.run("docker", *words) == "a & b\n"


def test_a_folder_here_is_refused_and_one_in_the_vm_taken(vm: VM, busybox_image: str) -> None:
    answer = vm.try_run("docker", "run", "--rm", "-v", ".:/w", busybox_image, "ls", "/w")
    assert answer.returncode == 2
    assert b"--vbox-share" in answer.stderr
    vm.run("ssh", "mkdir -p /tmp/of-vm && touch /tmp/of-vm/seen")
    words = ["run", "--rm", "-v", "vm:/tmp/of-vm:/w:ro", busybox_image, "ls", "/w"]
    assert vm.run("docker", *words) == "seen\n"


def test_a_container_has_our_terminal(vm: VM, busybox_image: str) -> None:
    terminal = Terminal(vm, "docker", "run", "-it", "--rm", busybox_image, "sh")
    terminal.resize(33, 101)
    terminal.expect(b"/ # ")
    terminal.type(b"stty size; tty; exit 5\n")
    terminal.expect(b"33 101")
    terminal.expect(b"/dev/pts/")
    assert terminal.end() == 5
