"""What may come at the cursor: commands, flags, values, names, files of both sides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, List

import pytest

from boot2docker_py.cli.completion.asked import ASKED, LINE, WORDS, Asked, answer, read, split
from boot2docker_py.cli.session import Session
from boot2docker_py.drivers.model import State
from boot2docker_py.drivers.qemu import snapshot_list
from boot2docker_py.drivers.qemu.files import Files
from boot2docker_py.drivers.qemu.snapshot_list import Entry
from boot2docker_py.machine.logs import NAMES
from boot2docker_py.ssh.connection import Result
from tests.fakes import FakeConnection, FakeDriver, FakeEndpoint, FakeSession

Complete = Callable[..., List[str]]


@pytest.fixture
def complete(capsys: pytest.CaptureFixture[str]) -> Complete:
    """Return the words that may come, with their kind before them when it is not `word`."""

    def complete(line: str, session: Session | None = None, shell: str = "zsh") -> list[str]:
        answer({ASKED: shell, LINE: line}, session or Session())
        told = [told.split("\t") for told in capsys.readouterr().out.splitlines()]
        return [word if kind == "word" else f"{kind} {word}" for kind, word, _meaning in told]

    return complete


@pytest.fixture
def session() -> FakeSession:
    return FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("boot2docker u", ["up", "upgrade", "uninstall"]),
        ("boot2docker st", ["status", "start", "stop"]),
        ("boot2docker up --us", ["--use"]),
        ("boot2docker up --hosti", ["--hostip"]),
        ("boot2docker --v", ["--version", "--vm", "--verbose"]),
        ("boot2docker --driver ", ["auto", "virtualbox", "qemu"]),
        ("boot2docker up --driver q", ["qemu"]),
        ("boot2docker up --driver=q", ["qemu"]),
        ("boot2docker --publish all up --color n", ["never"]),
        ("boot2docker up --iso ", ["file "]),
        ("boot2docker up --vbox-share /ho", ["dir /ho"]),
        ("boot2docker up --engine-ca o", ["off", "file o"]),
        ("boot2docker logs ", list(NAMES)),
        ("boot2docker autostart ", ["on", "off", "status"]),
        ("boot2docker logs --follow h", ["hypervisor"]),
        ("boot2docker snapshot ", ["list", "take", "restore", "delete"]),
        ("boot2docker set --unset mem", ["memory"]),
        ("boot2docker images ", ["list", "prune"]),
        ("boot2docker export ", ["file "]),
        ("boot2docker completion p", ["powershell"]),
        ("boot2docker help op", ["options"]),
        ("boot2docker help sna", ["snapshot"]),
        ("boot2docker cp ", ["file ", "part vm:"]),
        ("boot2docker nosuch ", []),
        ("boot2docker ssh ls --", []),
    ],
)
def test_words(complete: Complete, line: str, words: list[str]) -> None:
    assert complete(line) == words


def test_commands_come_in_the_order_of_their_use(complete: Complete) -> None:
    assert complete("boot2docker ")[:3] == ["up", "down", "status"]


def test_flags_of_settings_come_when_they_are_begun(complete: Complete) -> None:
    shown = complete("boot2docker status --")
    assert {"--vm", "--json", "--timeout", "--help"} <= set(shown)
    assert "--dhcpip" not in shown
    assert complete("boot2docker status --dhcpi") == ["--dhcpip"]


def test_names_of_vms(complete: Complete, home: Path) -> None:
    for name in ("one", "other vm", "two"):
        (home / "vms" / name).mkdir(parents=True)
        (home / "vms" / name / "driver").write_text("qemu\n")
    assert complete("boot2docker --vm o") == ["one", "other vm"]
    assert complete("boot2docker status --vm=t") == ["two"]


@pytest.mark.parametrize(
    "line",
    ["boot2docker snapshot restore c", "boot2docker reset --to c", "boot2docker reset --to=c"],
)
def test_names_of_snapshots(complete: Complete, session: FakeSession, line: str) -> None:
    for name in ("clean", "clean 2", "other"):
        session.driver.had_snapshot(name)
    assert complete(line, session) == ["clean", "clean 2"]


def listed_by_qemu(home: Path, vm: str, *names: str) -> None:
    """Have a VM of QEMU with these snapshots."""
    files = Files(home / "vms" / vm)
    files.folder.mkdir(parents=True)
    (files.folder / "driver").write_text("qemu\n")
    files.settings.write_text("{}")
    entries = [Entry(f"b2d-{name}", name, 1.0, "", 1024, 1, {}) for name in names]
    snapshot_list.write(files, snapshot_list.Listed(tuple(entries)))


def test_names_of_snapshots_in_a_list_of_qemu(complete: Complete, home: Path) -> None:
    listed_by_qemu(home, "work", "clean", "clean 2", "other")
    assert complete("boot2docker --vm work snapshot restore c") == ["clean", "clean 2"]
    assert complete("boot2docker --driver qemu --vm other snapshot restore ") == []


def test_a_list_of_snapshots_that_is_damaged_completes_nothing(
    complete: Complete, home: Path
) -> None:
    listed_by_qemu(home, "work", "clean")
    (home / "vms" / "work" / "snapshots.json").write_text("{")
    assert complete("boot2docker --vm work snapshot restore ") == []


LOADED = """
import sys
from boot2docker_py.cli.boundary import run
from boot2docker_py.cli.session import Session
run([], Session())
sys.stderr.write("\\n".join(sys.modules))
"""


@pytest.mark.parametrize(
    ("line", "answer", "unneeded"),
    [
        (
            "boot2docker u",
            "up",
            r"boot2docker_py\.(cli\.commands|drivers\.(qemu|virtualbox)|endpoint)\.",
        ),
        ("boot2docker up --mem", "--memory", r"boot2docker_py\.drivers\.(qemu|virtualbox)"),
        (
            "boot2docker --vm work snapshot restore c",
            "clean",
            r"boot2docker_py\.drivers\.(virtualbox|qemu\.(?!files|snapshot_list))",
        ),
    ],
)
def test_what_is_not_needed_for_an_answer_is_not_loaded(
    home: Path, line: str, answer: str, unneeded: str
) -> None:
    """A shell waits for each Tab: what takes long to load must not creep in."""
    listed_by_qemu(home, "work", "clean")
    command = [sys.executable, "-c", LOADED]
    environ = {**os.environ, ASKED: "zsh", LINE: line}
    told = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert f"word\t{answer}" in told.stdout
    loaded = told.stderr.splitlines()
    others = r"(paramiko|cryptography|requests|virtualbox|ssl|asyncio)\b"
    assert [name for name in loaded if re.match(f"{unneeded}|{others}", name)] == []


def test_snapshots_of_an_absent_vm(complete: Complete) -> None:
    session = FakeSession(FakeDriver(State.ABSENT), FakeEndpoint())
    assert complete("boot2docker reset --to ", session) == []


class Guest(FakeConnection):
    """A guest with two files and a folder, and one whose name is a trap."""

    def run(self, command: object, *, stdin: bytes = b"", timeout_s: float) -> Result:
        assert isinstance(command, list)
        assert command[-1] == "/var/lib/b"
        names = b"/var/lib/bin/\n/var/lib/base file\n/var/lib/b\x1b]0;x\n"
        return Result(status=0, stdout=names, stderr=b"")


@pytest.mark.parametrize(("shell", "prefix"), [("zsh", "vm:"), ("bash", "")])
def test_files_of_the_vm(
    complete: Complete,
    session: FakeSession,
    monkeypatch: pytest.MonkeyPatch,
    shell: str,
    prefix: str,
) -> None:
    monkeypatch.setattr(session.access, "connect", lambda *_arguments, **_more: Guest())
    words = complete("boot2docker cp vm:/var/lib/b", session, shell)
    assert words == [f"part {prefix}/var/lib/bin/", f"{prefix}/var/lib/base file"]


def test_files_of_a_vm_that_is_off(complete: Complete) -> None:
    session = FakeSession(FakeDriver(State.OFF), FakeEndpoint())
    assert complete("boot2docker cp vm:/", session) == []


@pytest.mark.skipif("os.name != 'posix'", reason="a backslash is a letter of paths on Windows")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("b ", ["b", ""]),
        ("b 'my vm' x", ["b", "my vm", "x"]),
        ("b 'my v", ["b", "my v"]),
        ('b "my v', ["b", "my v"]),
        ("b my\\ v", ["b", "my v"]),
        ("b --vm=my\\ vm ", ["b", "--vm=my vm", ""]),
        ("b ''", ["b", ""]),
        ("b\\", ["b"]),
    ],
)
def test_words_of_a_line(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_words_by_themselves() -> None:
    asked = read({WORDS: "boot2docker\n--vm\nmy vm\n'other v"})
    assert asked == Asked(["--vm", "my vm"], "other v")


def test_what_is_written_nowhere_is_no_trouble(complete: Complete, home: Path) -> None:
    complete("boot2docker --vm ")
    assert not home.exists()
