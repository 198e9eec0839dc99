"""Loading a binding: a made-up one, a broken one, one that ends the process that loads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.virtualbox.binding import crashes, loading
from boot2docker_py.drivers.virtualbox.binding.places import Installation, System
from boot2docker_py.errors import HypervisorError
from tests.unit.drivers.virtualbox.gate import COMError

CRASHES = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
COUNTS = "import os; open(os.environ['COUNT'], 'a').write('loaded ')"
GLUE = "import os; told = os.environ['VBOX_PROGRAM_PATH'], os.environ['VBOX_SDK_PATH']"
WINDOWS_10 = {"PROCESSOR_ARCHITEW6432": "AMD64"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Give a VirtualBox whose binding may be loaded; the last test of it is undone."""
    program = tmp_path / "virtualbox"
    binding = program / "sdk" / "bindings" / "xpcom" / "python" / "xpcom"
    glue = program / "sdk" / "installer" / "vboxapi"
    for folder in (binding, glue):
        folder.mkdir(parents=True)
    for file in (program / "VBoxXPCOM.so", program / "VBoxPython3.so", binding / "__init__.py"):
        file.touch()
    (binding / "vboxxpcom.py").write_text(COUNTS)
    (glue / "__init__.py").write_text(GLUE)
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    monkeypatch.setenv("VBOX_PROGRAM_PATH", str(program))
    monkeypatch.delenv("VBOX_SDK_PATH", raising=False)
    yield Installation(str(program), str(program / "sdk"))
    sys.modules.pop("vboxapi", None)


def binding_of(installed: Installation) -> Path:
    return Path(installed.sdk, "bindings", "xpcom", "python", "xpcom", "vboxxpcom.py")


def a_linux() -> System:
    """Return this Linux, except what is installed on it."""
    return System(
        "linux",
        os.environ,
        (3, 8),
        lambda file: not file.startswith("/usr") and Path(file).exists(),
    )


def times_tried(tmp_path: Path) -> int:
    count = tmp_path / "count"
    return len(count.read_text().split()) if count.exists() else 0


def test_the_glue_is_told_where_virtualbox_is(installed: Installation, tmp_path: Path) -> None:
    module = loading.load(a_linux(), tmp_path / "remembered")
    assert module.told == (installed.program, installed.sdk)


def test_a_good_binding_is_tried_once(installed: Installation, tmp_path: Path) -> None:
    remembered = tmp_path / "home" / "remembered"
    for _ in range(3):
        crashes.demand_none(installed, remembered)
    assert times_tried(tmp_path) == 1


def test_an_updated_binding_is_tried_again(installed: Installation, tmp_path: Path) -> None:
    remembered = tmp_path / "remembered"
    crashes.demand_none(installed, remembered)
    Path(installed.program, "VBoxPython3.so").write_text("7.2.22")
    crashes.demand_none(installed, remembered)
    assert times_tried(tmp_path) == 2


def test_a_good_binding_that_cannot_be_remembered_is_good(
    installed: Installation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    crashes.demand_none(installed, tmp_path / "file" / "remembered")
    assert times_tried(tmp_path) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows has no signals")
def test_a_binding_that_crashes_does_not_crash_us(installed: Installation, tmp_path: Path) -> None:
    binding_of(installed).write_text(CRASHES)
    for _ in range(2):  # it is not remembered either
        with pytest.raises(HypervisorError, match="crashes with Python") as caught:
            loading.load(a_linux(), tmp_path / "remembered")
        assert installed.program in caught.value.details
        assert "3.8 to 3.11" in caught.value.resolution
    assert "vboxapi" not in sys.modules


def test_a_binding_that_only_raises_is_left_to_say_why(
    installed: Installation, tmp_path: Path
) -> None:
    binding_of(installed).write_text("raise Exception('Cannot find VBoxPython module (tried: x)')")
    crashes.demand_none(installed, tmp_path / "remembered")
    assert not (tmp_path / "remembered").exists()


def test_glue_that_fails_is_not_half_loaded(installed: Installation, tmp_path: Path) -> None:
    Path(installed.sdk, "installer", "vboxapi", "__init__.py").write_text("import xpcom_of_nobody")
    with pytest.raises(ModuleNotFoundError):
        loading.load(a_linux(), tmp_path / "remembered")
    assert "vboxapi" not in sys.modules


def test_what_the_binding_prints_is_kept_away(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", flush=True)
    with loading.quiet():
        print("m=VBoxPython3 x=...")
        os.write(1, b"from C, to stdout\n")
        os.write(2, b"from C, to stderr\n")
    print("after", flush=True)
    captured = capfd.readouterr()
    assert captured.out == "before\nafter\n"
    assert captured.err == ""


def test_a_closed_stream_is_no_matter() -> None:
    """As on Windows without a console."""
    kept = os.dup(1)
    os.close(1)
    try:
        with loading.quiet():
            os.write(2, b"kept away")
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def not_found(name: str) -> ImportError:
    return ModuleNotFoundError(f"No module named '{name}'", name=name)


def refused(result_code: int) -> COMError:
    error = COMError(result_code, "")
    error.hresult, error.excepinfo = result_code - (1 << 32), None  # type: ignore[assignment]
    return error


VBOX = Installation("there", "there/sdk")
NO_MODULE = Exception("Cannot find VBoxPython module (tried: VBoxPython3_8, VBoxPython3)")


@pytest.mark.parametrize(
    ("error", "platform", "found", "bindings", "is_64_bit", "brief", "advice"),
    [
        (not_found("vboxapi"), "linux", None, [], True, "is not installed", "Install VirtualBox"),
        (not_found("vboxapi"), "linux", VBOX, [], True, "without its Python support", "vbox-sdk"),
        (not_found("xpcom"), "linux", VBOX, [], True, "without its Python support", "installer"),
        (not_found("win32com"), "win32", VBOX, [], True, "pywin32", "pip install pywin32"),
        (not_found("pythoncom"), "win32", None, [], True, "pywin32", "pip install pywin32"),
        (refused(0x80040154), "win32", VBOX, [], False, "32-bit Python", "64-bit Python"),
        (refused(0x80040154), "win32", VBOX, [], True, "does not know its API", "Repair"),
        (refused(0x800401F3), "win32", None, [], True, "is not installed", "Install VirtualBox"),
        (
            *(NO_MODULE, "linux", VBOX, ["VBoxPython3_10.so", "VBoxPython3_10m.so"], True),
            *("not made for Python 3.8", "Python 3.10, or"),
        ),
        (NO_MODULE, "linux", VBOX, [], True, "not made for Python 3.8", "installer"),
        (ImportError("DLL load failed"), "win32", VBOX, [], True, "cannot be loaded", "installer"),
        (OSError("IPC daemon"), "linux", VBOX, [], True, "cannot be reached", "window once"),
    ],
)
def test_what_is_missing_is_said(
    error: Exception,
    platform: str,
    found: Installation | None,
    bindings: list[str],
    is_64_bit: bool,
    brief: str,
    advice: str,
) -> None:
    system = System(platform, WINDOWS_10, (3, 8))
    problem = loading.why(error, system, found, bindings, is_64_bit=is_64_bit)
    assert brief in problem.brief
    assert advice in problem.resolution
