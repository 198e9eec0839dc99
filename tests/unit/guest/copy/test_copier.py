"""`boot2docker cp` against the real sshd and tar; against busybox, as in older images."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import DeadlineError, GuestError, StorageError, UsageError
from boot2docker_py.guest.copy import packing, places, unpacking
from boot2docker_py.guest.copy.copier import RECEIVE, SEND, Copier
from boot2docker_py.ssh.connection import Connection
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.ssh.real_sshd import Cable, Sshd

ODD = ["plain", " sp  ace ", 'it\'s "q" $HOME `id` \\n', "new\nline", "Käse ☃", "-rf", "x" * 200]


@pytest.fixture(scope="module")
def connection(sshd: Sshd) -> Iterator[Connection]:
    with sshd.connect() as connection:
        yield connection


def copier(connection: Connection, **more: bool) -> Copier:
    return Copier(connection, 30.0, lambda _done, _all: None, **more)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Return a folder that plays the guest's side."""
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a folder with everything that may be in one."""
    tree = tmp_path / "tree"
    (tree / "empty").mkdir(parents=True)
    for index, name in enumerate(ODD):
        (tree / name).mkdir()
        (tree / name / name).write_bytes(os.urandom(index * 100_000))
        (tree / name / name).chmod(0o600 + index)
        os.utime(tree / name / name, (1_000_000_000 + index, 1_000_000_000 + index))
    (tree / "link").symlink_to("plain")
    (tree / "broken link").symlink_to("/nowhere/at all")
    return tree


def contents(folder: Path) -> dict[str, object]:
    """Return all that a copy must keep."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = stat.S_IMODE(status.st_mode)
        else:
            found[name] = (status.st_mode, int(status.st_mtime), path.read_bytes())
    return found


def nothing_is_left(folder: Path) -> bool:
    return not [name for name in os.listdir(folder) if name.startswith(".boot2docker-cp")]


class TestBothWays:
    def test_folder_with_everything(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        done = copier(connection).into_vm(str(tree), str(there))
        assert done.files == len(ODD) + 2
        assert contents(there / "tree") == contents(tree)
        copier(connection).from_vm(str(there / "tree"), str(tmp_path / "back"))
        assert contents(tmp_path / "back") == contents(tree)
        assert nothing_is_left(there)
        assert nothing_is_left(tmp_path)

    @pytest.mark.parametrize("name", ODD)
    def test_one_file(self, connection: Connection, there: Path, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"content")
        copier(connection).into_vm(str(tmp_path / name), f"{there}/")
        assert (there / name).read_bytes() == b"content"
        copier(connection).from_vm(str(there / name), str(tmp_path / "other name"))
        assert (tmp_path / "other name").read_bytes() == b"content"

    def test_file_is_replaced(self, connection: Connection, there: Path, tmp_path: Path) -> None:
        (tmp_path / "new").write_text("new")
        (there / "file").write_text("old")
        copier(connection).into_vm(str(tmp_path / "new"), str(there / "file"))
        assert (there / "file").read_text() == "new"
        (tmp_path / "here").write_text("old")
        copier(connection).from_vm(str(there / "file"), str(tmp_path / "here"))
        assert (tmp_path / "here").read_text() == "new"

    def test_folder_that_is_there_gets_what_is_new(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        """Twice is the same as once; what was there and is not sent stays."""
        for _ in range(2):
            copier(connection).into_vm(str(tree), str(there))
            copier(connection).from_vm(str(there / "tree"), str(tmp_path / "back"))
            (there / "tree" / "empty" / "kept").write_text("kept")
            (tmp_path / "back").mkdir(exist_ok=True)
        (there / "tree" / "empty" / "kept").unlink()
        assert contents(there / "tree") == contents(tree)
        assert (tmp_path / "back" / "tree" / "plain" / "plain").exists()

    def test_contents_of_a_folder(
        self, connection: Connection, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "file").write_text("x")
        monkeypatch.chdir(tmp_path / "source")
        copier(connection).into_vm(".", str(there))
        assert os.listdir(there) == ["file"]
        (tmp_path / "back").mkdir()
        copier(connection).from_vm(f"{there}/.", str(tmp_path / "back"))
        assert os.listdir(tmp_path / "back") == ["file"]

    def test_link_that_is_named_is_followed(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        copier(connection).into_vm(str(tree / "link"), str(there))
        assert (there / "link" / "plain").is_file()
        assert not (there / "link").is_symlink()
        copier(connection).from_vm(str(tree / "link"), str(tmp_path / "back"))
        assert (tmp_path / "back" / "plain").is_file()

    def test_what_is_no_file_is_left_out(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        os.mkfifo(tree / "pipe")
        copier(connection).into_vm(str(tree), str(there))
        assert "pipe" not in os.listdir(there / "tree")
        os.mkfifo(there / "tree" / "pipe")
        copier(connection).from_vm(str(there / "tree"), str(tmp_path / "back"))
        assert "pipe" not in os.listdir(tmp_path / "back")

    def test_two_names_of_one_file(
        self, connection: Connection, there: Path, tmp_path: Path
    ) -> None:
        (there / "one").write_text("content")
        os.link(there / "one", there / "two")
        copier(connection).from_vm(str(there), str(tmp_path / "back"))
        assert (tmp_path / "back" / "two").read_text() == "content"


class TestRefusals:
    def test_no_source(self, connection: Connection, there: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="there is no"):
            copier(connection).into_vm(str(tmp_path / "none"), str(there))
        with pytest.raises(UsageError, match="there is no"):
            copier(connection).from_vm(str(there / "none"), str(tmp_path))

    def test_source_of_no_use(self, connection: Connection, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UsageError, match="neither a file nor a folder"):
            copier(connection).into_vm(str(tmp_path / "pipe"), "/tmp")
        with pytest.raises(UsageError, match="neither a file nor a folder"):
            copier(connection).from_vm(str(tmp_path / "pipe"), str(tmp_path / "copy"))

    @pytest.mark.parametrize("ending", ["/", ""])
    def test_target_that_is_no_folder(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path, ending: str
    ) -> None:
        several = copier(connection, target_is_folder=not ending)
        with pytest.raises(UsageError, match="is not a folder"):
            several.into_vm(str(tree / "plain" / "plain"), f"{there}/none{ending}")
        with pytest.raises(UsageError, match="is not a folder"):
            several.from_vm(str(tree / "plain" / "plain"), f"{tmp_path}/none{ending}")

    def test_no_folder_for_the_target(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="there is no folder"):
            copier(connection).into_vm(str(tree), f"{there}/no/ne")
        with pytest.raises(UsageError, match="there is no folder"):
            copier(connection).from_vm(str(tree), f"{tmp_path}/no/ne")

    def test_folder_over_file_and_file_over_folder(
        self, connection: Connection, tree: Path, there: Path, tmp_path: Path
    ) -> None:
        (there / "tree").write_text("a file")
        (there / "plain").mkdir()
        (there / "plain" / "plain").mkdir()
        for source in (tree, tree / "plain" / "plain"):
            with pytest.raises(UsageError, match="is there, and is"):
                copier(connection).into_vm(str(source), str(there / source.name))
            if source.is_dir():
                with pytest.raises(UsageError, match="is there, and is"):
                    copier(connection).from_vm(str(source), str(there / source.name))
        with pytest.raises(GuestError, match="cannot write"):
            copier(connection).into_vm(str(tree / "plain"), str(there))
        with pytest.raises(UsageError, match="is there, and is a folder"):
            copier(connection).from_vm(str(tree / "plain"), str(there))
        assert (there / "tree").read_text() == "a file"
        assert nothing_is_left(there)

    def test_target_that_cannot_be_written(self, connection: Connection, tree: Path) -> None:
        with pytest.raises(GuestError, match="cannot write 'vm:/proc'"):
            copier(connection).into_vm(str(tree), "/proc")
        with pytest.raises(StorageError, match="cannot write"):
            copier(connection).from_vm(str(tree), "/proc")

    def test_file_that_shrinks(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"1234")
        wanted = packing.entries(tmp_path / "file")
        (tmp_path / "file").write_bytes(b"12")
        with pytest.raises(StorageError, match="became shorter"):
            list(packing.packed(wanted))


class TestLostConnection:
    """Half a copy is no copy."""

    def test_into_the_vm(self, sshd: Sshd, there: Path, tmp_path: Path) -> None:
        (tmp_path / "big").write_bytes(bytes(40_000_000))
        with Cable(sshd.address) as cable, sshd.connect(cable.address) as connection:

            def cut(done: int, _all: int) -> None:
                if done > 10_000_000:
                    cable.cut()

            with pytest.raises(GuestError):
                Copier(connection, 30.0, cut).into_vm(str(tmp_path / "big"), str(there))
        self._ends_empty(there)

    def test_into_the_vm_between_two_files(self, there: Path, tree: Path) -> None:
        """What has come looks like an archive, except its last member."""
        wanted = packing.entries(tree)
        command = ["sh", "-c", RECEIVE, "cp", str(there), "/", "tree", "no"]
        some = b"".join(packing.packed(wanted[:-3]))[: -3 * tarfile.BLOCKSIZE]
        answer = subprocess.run(command, input=some, capture_output=True, check=False)
        assert answer.returncode != 0
        self._ends_empty(there)

    def test_out_of_the_vm(self, sshd: Sshd, there: Path, tmp_path: Path) -> None:
        (there / "big").write_bytes(bytes(40_000_000))
        (tmp_path / "here").mkdir()
        with Cable(sshd.address) as cable, sshd.connect(cable.address) as connection:

            def cut(done: int, _all: int) -> None:
                if done > 10_000_000:
                    cable.cut()

            with pytest.raises(GuestError):
                Copier(connection, 30.0, cut).from_vm(str(there / "big"), str(tmp_path / "here"))
        self._ends_empty(tmp_path / "here")

    def test_that_went_dead(self, sshd: Sshd, there: Path, tmp_path: Path) -> None:
        (there / "big").write_bytes(bytes(40_000_000))
        with Cable(sshd.address) as cable, sshd.connect(cable.address) as connection:

            def die(done: int, _all: int) -> None:
                if done > 10_000_000:
                    cable.go_dead()

            with pytest.raises(DeadlineError, match="nothing was copied"):
                Copier(connection, 2.0, die).from_vm(str(there / "big"), str(tmp_path / "copy"))
        assert not (tmp_path / "copy").exists()

    def test_into_the_vm_when_nobody_hears_the_complaint(self, there: Path, tree: Path) -> None:
        """dash ends of the signal then, and what came must not stay."""
        words = ["sh", "-c", RECEIVE, "cp", str(there), "/", "tree", "no"]
        wanted = packing.entries(tree)
        guest = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert guest.stdin
        assert guest.stderr
        guest.stderr.close()
        guest.stdin.write(b"".join(packing.packed(wanted[:-3]))[: -3 * tarfile.BLOCKSIZE])
        guest.stdin.close()
        assert guest.wait(30) != 0
        self._ends_empty(there)

    def _ends_empty(self, folder: Path) -> None:
        end = time.monotonic() + 30
        while os.listdir(folder):
            assert time.monotonic() < end, os.listdir(folder)
            time.sleep(0.05)


def archive(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """Return an archive of a guest that is not to be trusted."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                info.mode = 0o6755
            info.linkname = "" if kind == tarfile.REGTYPE else text
            tar.addfile(info, io.BytesIO(text.encode()))
    return io.BytesIO(buffer.getvalue())


class TestEvilGuest:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "folder"

    @pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "./../out"])
    def test_names_stay_inside(self, folder: Path, name: str) -> None:
        with pytest.raises(UsageError, match="lie elsewhere"):
            unpacking.unpack(archive((name, tarfile.REGTYPE, "x")), folder)
        assert os.listdir(folder) == []
        assert os.listdir(folder.parent) == ["folder"]

    def test_hard_link_to_the_outside(self, folder: Path) -> None:
        with pytest.raises(UsageError, match="lie elsewhere"):
            unpacking.unpack(archive(("a", tarfile.LNKTYPE, "../secret")), folder)

    def test_nothing_is_written_through_a_link(self, folder: Path) -> None:
        (folder.parent / "out").mkdir()
        evil = archive(("a", tarfile.SYMTYPE, "../out"), ("a/b", tarfile.REGTYPE, "x"))
        with pytest.raises(StorageError):
            unpacking.unpack(evil, folder)
        assert os.listdir(folder.parent / "out") == []

    def test_nothing_is_written_through_a_link_of_an_earlier_copy(self, folder: Path) -> None:
        (folder.parent / "out").mkdir()
        folder.mkdir()
        (folder / "a").symlink_to("../out")
        (folder.parent / "new" / "a").mkdir(parents=True)
        (folder.parent / "new" / "a" / "b").write_text("x")
        with pytest.raises(UsageError, match="is a link"):
            unpacking.put_in_place(folder.parent / "new", folder)
        assert os.listdir(folder.parent / "out") == []

    def test_no_program_with_rights_of_others(self, folder: Path) -> None:
        unpacking.unpack(archive(("a", tarfile.REGTYPE, "x")), folder)
        assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o755

    def test_device_is_left_out(self, folder: Path) -> None:
        unpacking.unpack(archive(("a", tarfile.CHRTYPE, "")), folder)
        assert os.listdir(folder) == []

    def test_garbage(self, folder: Path) -> None:
        with pytest.raises(GuestError, match="damaged"):
            unpacking.unpack(io.BytesIO(os.urandom(10_000)), folder)

    @pytest.mark.parametrize(
        "name", ["..\\x", "C:x", "aux", "Nul.txt", "a.", "a ", "a?b", "a\nb", 'a"b', "com1"]
    )
    def test_names_that_windows_has_not(self, name: str) -> None:
        with pytest.raises(UsageError, match="Windows has no name"):
            places.parts(f"./{name}", "win32")
        assert places.parts(f"./{name}", "linux") == (name,)


class TestBusybox:
    """The other end of images that have nothing else."""

    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        busybox = shutil.which("busybox")
        assert busybox, "there is no busybox; get it with: make deps"
        (tmp_path / "bin").mkdir()
        for name in ("sh", "tar", "cat", "find", "mv", "rm", "mktemp", "test", "stat", "head", "["):
            (tmp_path / "bin" / name).symlink_to(busybox)
        return {**os.environ, "PATH": str(tmp_path / "bin")}

    def test_both_ways(self, tree: Path, there: Path, environ: dict[str, str]) -> None:
        data = b"".join(packing.packed(packing.entries(tree)))
        for _ in range(2):
            words = ["sh", "-c", RECEIVE, "cp", str(there), "/", "tree", "no"]
            answer = subprocess.run(
                [f"{environ['PATH']}/sh", *words[1:]],
                input=data,
                capture_output=True,
                env=environ,
                check=False,
            )
            assert (answer.returncode, answer.stderr) == (0, b"")
            assert contents(there / "tree") == contents(tree)
        assert nothing_is_left(there)
        words = ["-c", SEND, "cp", str(there / "tree")]
        sent = subprocess.run(
            [f"{environ['PATH']}/sh", *words], capture_output=True, env=environ, check=True
        ).stdout
        kind, _, stream = sent.partition(b"\n")
        assert kind == b"folder"
        unpacking.unpack(io.BytesIO(stream), there / "back")
        assert contents(there / "back") == contents(tree)


class TestWords:
    @pytest.mark.parametrize(
        ("word", "path"),
        [
            ("vm:/etc/x", "/etc/x"),
            ("vm:", "."),
            ("vm:~/a", "a"),
            ("vm:~", "."),
            ("my vm:a:b", "a:b"),
            ("C:\\x", None),
            ("c:x", None),
            ("./vm:x", None),
            ("other:x", None),
            ("vm", None),
        ],
    )
    def test_sides(self, word: str, path: str | None) -> None:
        assert places.in_vm(word, "my vm") == path

    @pytest.mark.parametrize(
        "words", [["vm:a", "vm:b"], ["a", "b"], ["a", "vm:b", "c"], ["a", "vm:b", "vm:c"]]
    )
    def test_exactly_one_side_is_in_the_vm(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        session = FakeSession(FakeDriver(State.RUNNING), FakeEndpoint())
        assert boot2docker(["cp", *words], session).status == 2

    def test_vm_has_to_run(self, boot2docker: Boot2Docker) -> None:
        for state, status in ((State.ABSENT, 3), (State.OFF, 4)):
            session = FakeSession(FakeDriver(state), FakeEndpoint())
            assert boot2docker(["cp", "a", "vm:"], session).status == status


def test_progress_counts_up_to_all(connection: Connection, there: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1_000_000))
    seen: list[tuple[int, int]] = []
    lock = threading.Lock()

    def report(done: int, total: int) -> None:
        with lock:
            seen.append((done, total))

    Copier(connection, 30.0, report).into_vm(str(tmp_path / "file"), str(there))
    assert seen[-1] == (1_000_000, 1_000_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
