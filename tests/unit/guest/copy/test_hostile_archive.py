"""What a VM that is not trusted sends to `cp`: nothing of it is written outside of the copy."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.errors import Boot2DockerError, GuestError, StorageError, UsageError
from boot2docker_py.guest.copy import archive, places, unpacking
from boot2docker_py.guest.copy.copier import facts_of_file
from boot2docker_py.guest.copy.streams import Streams

FILE, FOLDER, LINK, SECOND_NAME = b"0", b"5", b"2", b"1"
GNU_LONG_NAME, PAX, SPARSE = b"L", b"x", b"S"
END = bytes(2 * archive.BLOCK_BYTES)


def member(name: str, kind: bytes = FILE, text: bytes = b"", **more: object) -> bytes:
    """Return one member as `tar` writes it, whatever it says."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(text)
    for key, value in more.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT) + text + bytes(-len(text) % archive.BLOCK_BYTES)


def link(name: str, target: str, kind: bytes = LINK) -> bytes:
    return member(name, kind, linkname=target)


def pax(**values: str) -> bytes:
    """Return a header of pax, its records with the length that they begin with."""
    records = b""
    for key, value in values.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = next(n for n in range(len(body), len(body) + 9) if n == len(body) + len(str(n)))
        records += str(length).encode() + body
    return member("pax", PAX, records)


def unpack(folder: Path, *members: bytes) -> int:
    return unpacking.unpack(io.BytesIO(b"".join(members) + END), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the copy goes, beside something that it must not reach."""
    (tmp_path / "victim").mkdir()
    return tmp_path / "copy"


def everything_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_copy_of_what_nobody_may_write_can_be_removed(folder: Path) -> None:
    unpack(folder, member("f", text=b"x", mode=0o444), member("d", FOLDER, mode=0o555))
    shutil.rmtree(folder)
    assert not folder.exists()


class Endless:
    """A stream that says something, and then the same without end."""

    def __init__(self, first: bytes, then: bytes) -> None:
        self._rest = io.BytesIO(first)
        self._then = then
        self.read_bytes = 0

    def read(self, limit: int, /) -> bytes:
        data = self._rest.read(limit) or self._then[:limit]
        self.read_bytes += len(data)
        return data


if sys.platform != "win32":  # where everybody may make links

    class TestLinks:
        @pytest.mark.parametrize(
            "members",
            [
                [link("a", "../victim"), link("a/b", "/etc/passwd")],
                [link("a", ".."), link("a/victim/b", "x")],
                [link("a", ".."), link("a/victim", "x")],
                [member("d", FOLDER), link("d/a", "../.."), link("d/a/victim/b", "x")],
                [link("a", "b"), link("b", "../victim"), link("a/c", "x")],
                [link("a", "../victim"), link("./a/./b", "x")],
                [link("a", "../victim"), member("a/b", FOLDER)],
                [link("a", "../victim"), member("a", FOLDER), member("a/b", text=b"x")],
                [link("a", "../victim"), link("a/b", "a", SECOND_NAME)],
                [member("f"), link("a", "../victim"), link("a/b", "f", SECOND_NAME)],
                [link("a", "../victim"), member("a/b", text=b"x")],
                [link("a", "../victim"), member("a", text=b"x")],
            ],
        )
        def test_nothing_is_made_through_one(self, folder: Path, members: list[bytes]) -> None:
            with pytest.raises((GuestError, StorageError)):
                unpack(folder, *members)
            assert everything_under(folder.parent / "victim") == []

        def test_second_name_of_a_link_is_not_that_of_its_target(self, folder: Path) -> None:
            secret = folder.parent / "secret"
            secret.write_text("secret")
            for second in (link("b", "a", SECOND_NAME), link("b", "a/../../secret", SECOND_NAME)):
                with pytest.raises((GuestError, UsageError)):
                    unpack(folder, link("a", "../secret"), second)
                shutil.rmtree(folder)

        def test_second_name_does_not_replace(self, folder: Path) -> None:
            with pytest.raises(StorageError):
                unpack(folder, member("a", text=b"1"), member("b", text=b"2"), link("b", "a", b"1"))

        def test_link_that_leads_nowhere_is_damage(self, folder: Path) -> None:
            for target in ("", "x" * 5000):
                with pytest.raises(GuestError, match="damaged"):
                    unpack(folder, link("a", target))
                shutil.rmtree(folder)

        def test_what_is_usual_still_comes(self, folder: Path) -> None:
            usual = [
                member(".", FOLDER),
                member("d", FOLDER, mode=0o750),
                member("d/f", text=b"text"),
                link("d/l", "../d/f"),
                link("d/m", "d/f", SECOND_NAME),
                link("up", ".."),
            ]
            assert unpack(folder, *usual) == 4
            assert everything_under(folder) == ["d", "d/f", "d/l", "d/m", "up"]
            assert (folder / "d" / "m").samefile(folder / "d" / "f")
            assert (folder / "d" / "l").read_text() == "text"


class TestSizes:
    def test_holes_are_refused_before_a_byte_is_written(self, folder: Path) -> None:
        sparse = member("a", SPARSE, size=512)
        for archived in (sparse, pax(GNU__sparse__major="1", GNU__sparse__realsize="9") + sparse):
            with pytest.raises(GuestError, match="damaged"):
                unpack(folder, archived)
            assert everything_under(folder) == []
            shutil.rmtree(folder)

    @pytest.mark.parametrize("size", [1 << 40, 1 << 42])
    def test_what_the_disk_does_not_hold_is_refused_at_once(self, folder: Path, size: int) -> None:
        with pytest.raises(StorageError, match="no space"):
            unpack(folder, member("a", size=size))

    def test_one_file_ends_where_the_disk_is_full(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(folder.parent)._replace(free=unpacking.RESERVE_BYTES + 1_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
        endless = Endless(b"", bytes(65536))
        with pytest.raises(StorageError, match="no space"):
            unpacking.receive(endless, folder, 0o644, 0)
        assert folder.stat().st_size <= 1_000_000

    @pytest.mark.parametrize("kind", [GNU_LONG_NAME, b"K", PAX, b"g"])
    def test_header_without_end_costs_no_memory(self, folder: Path, kind: bytes) -> None:
        endless = Endless(member("x", kind, size=700_000_000), bytes(65536))
        with pytest.raises(GuestError, match="damaged"):
            unpacking.unpack(endless, folder)
        assert endless.read_bytes < 1_000_000

    @pytest.mark.parametrize("kind", [GNU_LONG_NAME, PAX, b"g"])
    def test_headers_without_end(self, folder: Path, kind: bytes) -> None:
        endless = Endless(b"", member("x", kind))
        with pytest.raises(GuestError, match="damaged"):
            unpacking.unpack(endless, folder)
        assert endless.read_bytes < 1_000_000

    def test_name_too_long_and_folders_too_deep(self, folder: Path) -> None:
        for name in ("x" * 5000, "a/" * 2000 + "b"):
            with pytest.raises(UsageError, match="too long"):
                unpack(folder, pax(path=name), member("y"))
            shutil.rmtree(folder)

    def test_what_waits_for_the_end_is_bounded(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(unpacking, "WAITING_BYTES", 100_000)
        with pytest.raises(GuestError, match="damaged"):
            unpack(folder, *[member(f"{index}", FOLDER) for index in range(100)])

    def test_warnings_are_bounded(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert unpack(folder, *[member(f"{index}", b"3") for index in range(1000)]) == 0
        assert len(caplog.records) == unpacking.WARNINGS + 1
        assert "980 more" in caplog.text

    def test_links_that_windows_does_not_allow_are_one_line(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A folder like node_modules has thousands of them."""
        caplog.set_level("INFO")
        links = [(PathWithoutLinks(tmp_path / f"{index}"), "target") for index in range(1000)]
        assert unpacking.make_links([*links, (tmp_path / "made", "target")], "win32") == 1
        assert [record.getMessage() for record in caplog.records] == [
            "1000 links are left out: '0': a required privilege is not held"
        ]
        caplog.clear()
        unpacking.make_links(links[7:8], "win32")
        assert "1 link is left out: '7'" in caplog.text
        with pytest.raises(OSError, match="privilege"):
            unpacking.make_links(links, "linux")

    def test_first_line_without_end(self) -> None:
        with pytest.raises(GuestError, match="damaged"):
            streams_of(b"file 1 644 0 ").line()

    def test_sender_who_goes_on_after_the_end(self) -> None:
        with pytest.raises(GuestError, match="cannot read"):
            streams_of(bytes(65536)).end("cannot read")


class PathWithoutLinks(type(Path())):  # type: ignore[misc]
    """A path of a Windows whose user may make no links."""

    def symlink_to(self, target: object, target_is_directory: bool = False) -> None:
        raise OSError("a required privilege is not held")


class ChannelThatSends:
    """The guest's side of a command, as `Streams` has it: the same output without end."""

    def __init__(self, data: bytes) -> None:
        self.recv = lambda limit: data[:limit]
        self.settimeout = lambda _timeout_s: None
        self.recv_stderr = lambda _limit: b""


def streams_of(data: bytes) -> Streams:
    return Streams(ChannelThatSends(data), 30.0)  # type: ignore[arg-type]


class TestNumbers:
    @pytest.mark.parametrize(
        "time", ["nan", "inf", "1e300", "1.5e9", "9" * 20, "-" + "9" * 20, "", "x"]
    )
    def test_time_of_pax(self, folder: Path, time: str) -> None:
        with pytest.raises(GuestError, match="damaged"):
            unpack(folder, pax(mtime=time), member("a"))

    def test_time_of_pax_may_have_a_fraction(self, folder: Path) -> None:
        unpack(folder, pax(mtime="1000000000.123456789"), member("a"))
        assert (folder / "a").stat().st_mtime == 1_000_000_000

    @pytest.mark.parametrize("time", [1 << 63, 1 << 40, -(1 << 40)])
    def test_time_of_gnu(self, folder: Path, time: int) -> None:
        with pytest.raises(GuestError, match="damaged"):
            unpack(folder, member("a", mtime=time))

    @pytest.mark.parametrize("size", ["nan", "-1", "1.5e3", "1.5", "9" * 5000, "\u0661", "true"])
    def test_size_of_pax(self, folder: Path, size: str) -> None:
        with pytest.raises(GuestError, match="damaged"):
            unpack(folder, pax(size=size), member("a"))

    @pytest.mark.parametrize(
        "facts",
        [
            f"1 644 {10**20}",
            f"1 644 {'9' * 5000}",
            "1 9 0",
            "-1 644 0",
            "1 644",
            "1 644 0 0",
            "\u00b2 644 0",
            "1 7777777777 0",
        ],
    )
    def test_facts_of_one_file(self, facts: str) -> None:
        with pytest.raises(GuestError, match="damaged"):
            facts_of_file(facts.split())


@pytest.mark.parametrize(
    "name",
    ["CONIN$", "conout$.x", "com\u00b9", "LPT\u00b3.txt", "nul .txt", "aux", "CON.tar.gz", "com1 "],
)
def test_devices_of_windows(name: str) -> None:
    with pytest.raises(UsageError, match="Windows has no name"):
        places.parts(f"a/{name}", "win32")


@pytest.mark.parametrize("name", ["console", "com", "com10", "nulls.txt", "lpt", "aux2", "x.con"])
def test_names_that_only_look_like_devices(name: str) -> None:
    assert places.parts(name, "win32") == (name,)


def test_archive_that_ends_too_early_is_damaged(folder: Path) -> None:
    whole = member("a", text=b"x" * 2000) + member("b") + END
    for length in (0, 100, 512, 1000, 3000, len(whole) - len(END)):
        with pytest.raises(GuestError, match="damaged"):
            unpacking.unpack(io.BytesIO(whole[:length]), folder)
        shutil.rmtree(folder)


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Yield archives that say anything."""
    chance = random.Random(seed)
    names = ["a", "a/b", "a/b/c", "..", ".", "/x", "victim", "a/../victim", "../victim/x", "b"]
    kinds = [FILE, FOLDER, LINK, LINK, LINK, SECOND_NAME, SPARSE, GNU_LONG_NAME, PAX, b"3", b"7"]
    for _ in range(count):
        made = b""
        for _ in range(chance.randrange(1, 8)):
            kind = chance.choice(kinds)
            text = os.urandom(chance.randrange(600)) if kind in (FILE, GNU_LONG_NAME, PAX) else b""
            made += member(chance.choice(names), kind, text, linkname=chance.choice(names))
        flipped = bytearray(made + END)
        for _ in range(chance.choice([0, 0, 1, 5])):
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        yield bytes(flipped)


@pytest.mark.parametrize("seed", range(4))
def test_any_archive_is_unpacked_inside_or_refused(tmp_path: Path, seed: int) -> None:
    """Whatever it says: an error of ours or a copy, and nothing beside it."""
    outside = tmp_path / "outside"
    (outside / "victim").mkdir(parents=True)
    before = everything_under(outside)
    for data in mutations(seed, 250):
        copy = outside / "victim" / "copy"
        with contextlib.suppress(Boot2DockerError):
            unpacking.unpack(io.BytesIO(data), copy)
        _remove(copy)
        assert everything_under(outside) == before, data


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
