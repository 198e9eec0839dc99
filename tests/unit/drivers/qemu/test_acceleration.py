"""The choice of acceleration, by trying what a boot needs."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.drivers.qemu import acceleration, command_line, trial_rom
from tests.unit.host.test_bound_program import LIVES, has_ended, wait_until, wait_until_there

QEMU = shutil.which("qemu-system-x86_64")


def program(folder: Path, script: str) -> str:
    """Return a stand-in for QEMU."""
    file = folder / "qemu"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_rom_fills_its_place_and_begins_where_a_cpu_does() -> None:
    rom = trial_rom.content()
    assert len(rom) == trial_rom.SIZE
    assert rom[0xFFF0] == 0xE9


@pytest.mark.skipif(QEMU is None, reason="needs QEMU")
def test_emulation_passes_the_trial() -> None:
    assert QEMU is not None
    assert acceleration.why_not(QEMU, command_line.EMULATION) is None


def test_a_cpu_that_stops_in_the_middle_is_no_acceleration(tmp_path: Path) -> None:
    """QEMU stays when the accelerator fails on an instruction, and says so."""
    stuck = program(tmp_path, "echo 'KVM internal error. Suberror: 1' >&2; exec sleep 60")
    assert "KVM internal error" in (acceleration.why_not(stuck, "kvm") or "")


def test_a_trial_ends_with_the_command_that_is_killed_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-c", LIVES, str(tmp_path / "held"), str(tmp_path / "begun")]
    stuck = program(tmp_path, f"exec {shlex.join(words)}")
    trying = "import sys; from boot2docker_py.drivers.qemu import acceleration as one"
    trying += "; one.why_not(sys.argv[1], 'kvm')"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environ = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", trying, stuck], env=environ) as command:
        wait_until_there(tmp_path / "begun")
        assert list(temporary.iterdir())
        command.kill()
    assert has_ended(tmp_path / "held")
    wait_until(lambda: not list(temporary.iterdir()), "what it needed is left")


@pytest.mark.parametrize("script", ["exit 1", "exit 0", "echo no such accelerator >&2; exit 1"])
def test_a_cpu_that_does_not_start_is_no_acceleration(tmp_path: Path, script: str) -> None:
    assert acceleration.why_not(program(tmp_path, script), "kvm")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "qemu" in (acceleration.why_not(str(tmp_path / "qemu"), "kvm") or "")


def test_emulation_says_which_acceleration_was_refused_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "accelerators", lambda: ["kvm", command_line.EMULATION])
    words = "qemu-system-x86_64: -accel kvm: failed to set MSR 0x38d to 0x0"
    choice = acceleration.choose(program(tmp_path, f"echo '{words}' >&2; exit 1"))
    assert "KVM does not work here: failed to set MSR 0x38d to 0x0" in choice.words
    assert choice.accelerator.startswith(command_line.EMULATION)
