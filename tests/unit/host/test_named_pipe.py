"""What can be known of Windows' pipes without Windows: names, addresses, users that may come in."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any, cast

import pytest

from boot2docker_py.host import named_pipe


@pytest.mark.parametrize(
    ("vm", "pipe"),
    [
        ("boot2docker-vm", r"\\.\pipe\boot2docker-boot2docker-vm"),
        ("a+b", r"\\.\pipe\boot2docker-a-b-300273da"),
    ],
)
def test_the_pipe_of_a_vm_has_no_odd_letters(vm: str, pipe: str) -> None:
    assert named_pipe.pipe_of_vm(vm) == pipe


def test_no_two_vms_share_a_pipe() -> None:
    names = ["a b", "a+b", "a-b", "a  b", "\u00e4 b", "\u00f6 b", "\udcff b"]
    assert len({named_pipe.pipe_of_vm(name) for name in names}) == len(names)


def test_docker_takes_a_pipe_with_slashes() -> None:
    assert named_pipe.docker_host(named_pipe.DOCKER_DEFAULT) == "npipe:////./pipe/docker_engine"


def test_a_path_and_its_pipe_belong_together() -> None:
    one, other = (
        cast(Any, PureWindowsPath(rf"C:\Users\Jürgen\b2d\run\{name}\forward.ctl"))
        for name in ("a", "b")
    )
    assert named_pipe.pipe_at(one) == named_pipe.pipe_at(one)
    assert named_pipe.pipe_at(one) != named_pipe.pipe_at(other)
    assert len(named_pipe.pipe_at(one)) < 256  # CreateNamedPipeW: the longest name


def test_only_the_first_instance_insists_on_being_the_first() -> None:
    assert named_pipe.open_mode(is_first=True) == 0x40080003
    assert named_pipe.open_mode(is_first=False) == 0x40000003


def test_pipes_carry_messages_and_come_from_this_machine() -> None:
    assert named_pipe.pipe_mode() == 0x0000000C


def test_one_user_owns_it_and_comes_in_and_nothing_is_inherited() -> None:
    user = "S-1-5-21-1-2-3-1001"
    assert named_pipe.access_for(user) == f"O:{user}D:P(A;;GA;;;{user})"
