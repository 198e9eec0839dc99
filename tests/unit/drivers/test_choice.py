"""Which hypervisor is taken, and what is said where there is none."""

from __future__ import annotations

from boot2docker_py import drivers
from boot2docker_py.drivers.qemu import driver as qemu
from boot2docker_py.drivers.virtualbox.binding import loading
from boot2docker_py.drivers.virtualbox.binding.places import System


def test_without_any_the_advice_is_that_of_both_and_said_once() -> None:
    missing = ModuleNotFoundError("No module named 'win32com'", name="win32com")
    virtualbox = loading.why(missing, System("win32", {}, (3, 8)), None)
    problem = drivers.neither(virtualbox, qemu.HOW_TO_INSTALL)
    assert problem.brief == "no hypervisor can be used"
    said = f"{problem.details}\n{problem.resolution}"
    for words in ("pywin32, by which", "pip install pywin32", qemu.HOW_TO_INSTALL):
        assert said.count(words) == 1
