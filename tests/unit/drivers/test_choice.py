"""Which hypervisor is taken, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py import drivers
from boot2docker_py.drivers.qemu import driver as qemu
from boot2docker_py.drivers.virtualbox.binding import loading
from boot2docker_py.drivers.virtualbox.binding.places import System
from boot2docker_py.errors import NotFoundError
from boot2docker_py.paths import Paths


def test_without_any_the_advice_is_that_of_both_and_said_once() -> None:
    missing = ModuleNotFoundError("No module named 'win32com'", name="win32com")
    virtualbox = loading.why(missing, System("win32", {}, (3, 8)), None)
    problem = drivers.neither(virtualbox, qemu.HOW_TO_INSTALL)
    assert problem.brief == "no hypervisor can be used"
    said = f"{problem.details}\n{problem.resolution}"
    for words in ("pywin32, by which", "pip install pywin32", qemu.HOW_TO_INSTALL):
        assert said.count(words) == 1


@pytest.mark.parametrize("made_with", ["", "qemu"])
def test_a_list_of_snapshots_of_no_vm_is_an_error(tmp_path: Path, made_with: str) -> None:
    """What a killed `delete` has left of a VM is no VM without snapshots."""
    vm = Paths(tmp_path, tmp_path).vm("work")
    vm.folder.mkdir(parents=True)
    vm.driver_record.write_text(made_with)
    with pytest.raises(NotFoundError, match="there is no VM 'work'"):
        drivers.snapshots("qemu", vm, lambda _: None)
    with pytest.raises(NotFoundError, match="there is no VM 'work'"):
        drivers.choose("qemu", vm, lambda _: None).snapshots()
