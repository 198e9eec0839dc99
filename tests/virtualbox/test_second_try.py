"""VBoxSVC killed under a command: the command is done all the same, or says what is wrong."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.cli import second_try
from boot2docker_py.drivers.model import VMSpec
from boot2docker_py.errors import HypervisorError, NotFoundError
from tests.virtualbox.test_driver import (  # noqa: F401 - fixtures
    MADE,
    end_server,
    paths,
    spec,
)

# Python runs this at its start, ours and that of the second try. Who is deaf holds the server's own
# ends of its sockets too, so that no one sees its end: a call waits.
KILLER = """
import ctypes, os, sys
from pathlib import Path

PIDFD_OPEN, PIDFD_GETFD = 434, 438

def hold_sockets(server):
    system_call = ctypes.CDLL(None).syscall
    process = system_call(PIDFD_OPEN, server, 0)
    for file in Path("/proc", str(server), "fd").iterdir():
        if os.readlink(file).startswith("socket:"):
            assert system_call(PIDFD_GETFD, process, int(file.name), 0) > 0

def trace(frame, event, _argument):
    code, left = frame.f_code, Path(os.environ["KILLS_LEFT"])
    if event == "call" and code.co_name == os.environ["KILLED_AT"] and (
        "/drivers/virtualbox/" in code.co_filename and int(left.read_text())
    ):
        left.write_text(str(int(left.read_text()) - 1))
        sys.setprofile(None)
        from tests.virtualbox.test_driver import end_server, servers
        home = Path(os.environ["VBOX_USER_HOME"])
        for server in servers(home) if os.environ["IS_DEAF"] else ():
            hold_sockets(server)
        end_server(home)

if os.environ.get("KILLED_AT"):
    sys.setprofile(trace)
"""
VM = "dying"
Killed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def killed(tmp_path: Path, spec: VMSpec) -> Iterator[Killed]:  # noqa: F811
    """Run a command on a VM that is made, its server killed at a function of ours, some times."""
    home, b2d = tmp_path / "virtualbox", tmp_path / "b2d"
    environ = {**os.environ, "VBOX_USER_HOME": str(home), "VBOX_IPC_SOCKETID": uuid.uuid4().hex}
    environ["BOOT2DOCKER_DIR"] = str(b2d)
    run = functools.partial(subprocess.run, capture_output=True, text=True, check=False)
    assert run(["prepare-virtualbox"], env=environ).returncode == 0
    made = run([sys.executable, "-c", MADE, str(b2d), VM, str(spec.iso)], env=environ)
    assert made.returncode == 0, made.stderr
    (b2d / "vms" / VM / "driver").write_text("virtualbox")
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    left = tmp_path / "left"

    def command(
        *words: str, at: str, times: int, is_second: bool = False, is_deaf: bool = False
    ) -> subprocess.CompletedProcess[str]:
        left.write_text(str(times))
        extra = {"KILLED_AT": at, "KILLS_LEFT": str(left), "IS_DEAF": "1" if is_deaf else ""}
        if is_second:
            extra[second_try.MARK] = "1"
        extra["PYTHONPATH"] = f"{tmp_path}:{os.environ['PYTHONPATH']}"
        program = ["boot2docker", "--vm", VM, *words]
        ended = run(program, env={**environ, **extra})
        assert left.read_text() == "0", f"it was not killed: {ended.stderr}"
        return ended

    yield command
    end_server(home)


@pytest.mark.parametrize(
    ("words", "at", "answer"),
    [
        (["status"], "find", "poweroff\n"),
        (["status"], "state_of", "poweroff\n"),
        (["ip"], "find", ""),
        (["delete", "--force"], "unregister", ""),
        (["delete", "--force"], "forget", ""),
    ],
)
def test_a_command_survives_the_end_of_the_server(
    killed: Killed, tmp_path: Path, words: list[str], at: str, answer: str
) -> None:
    ended = killed(*words, at=at, times=1)
    assert ended.stdout == answer
    assert ended.returncode == (4 if words == ["ip"] else 0), ended.stderr
    assert "trying once more" in ended.stderr
    assert ("error" in ended.stderr) is (words == ["ip"])
    if words[0] == "delete":
        assert "VM 'dying' is deleted." in ended.stderr
        assert killed("status", at="find", times=0).returncode == NotFoundError.exit_status
        assert not list(tmp_path.rglob("*.vmdk"))


def test_a_server_that_ends_twice_is_an_error(killed: Killed) -> None:
    ended = killed("status", at="find", times=2)
    assert ended.returncode == HypervisorError.exit_status
    assert ended.stdout == ""
    assert "VirtualBox's server ended during the command" in ended.stderr
    assert killed("status", at="find", times=1).stdout == "poweroff\n", "the VM is whole"


def test_a_call_that_waits_for_a_server_that_has_ended_is_given_up(killed: Killed) -> None:
    ended = killed("status", at="find", times=1, is_deaf=True)
    assert ended.stdout == "poweroff\n", ended.stderr
    assert ended.returncode == 0
    assert "trying once more" in ended.stderr


def test_a_second_call_that_waits_for_one_is_an_error(killed: Killed) -> None:
    ended = killed("status", "--json", at="find", times=1, is_second=True, is_deaf=True)
    assert ended.returncode == HypervisorError.exit_status
    assert json.loads(ended.stdout)["error"]["exit_status"] == HypervisorError.exit_status
