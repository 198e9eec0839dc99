"""What the guest says of its containers while it shuts down."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.guest import stopping
from boot2docker_py.guest.stopping import Stopping

BEGINS = "boot2docker: shutting down\r\n"
RUNS = "boot2docker: container {} still runs, and has 100 s to end\r\n"
ENDED = "boot2docker: container {} has ended\r\n"
CUT = "boot2docker: container {} was cut off\r\n"


@pytest.fixture
def console(tmp_path: Path) -> Path:
    return tmp_path / "console.log"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Stopping()),
        (BEGINS, Stopping()),
        (BEGINS + RUNS.format("web"), Stopping(waits_for=("web",))),
        (BEGINS + RUNS.format("web") + ENDED.format("web"), Stopping()),
        (BEGINS + RUNS.format("web") + CUT.format("web"), Stopping(cut_off=("web",))),
        (BEGINS + RUNS.format("a") + RUNS.format("b") + ENDED.format("a"), Stopping(("b",))),
        # A stop of the engine alone, before the machine's.
        (RUNS.format("web") + CUT.format("web") + BEGINS, Stopping()),
    ],
)
def test_containers_that_it_waits_for_and_those_cut_off(
    console: Path, text: str, expected: Stopping
) -> None:
    console.write_text(text)
    assert stopping.read(console) == expected


@pytest.mark.parametrize("name", ["\x1b[31mred", "a b", "", "x" * 10_000, "../etc"])
def test_what_is_no_name_of_a_container_is_not_taken(console: Path, name: str) -> None:
    console.write_text(BEGINS + RUNS.format(name))
    assert stopping.read(console) == Stopping()


def test_no_console_tells_nothing(console: Path) -> None:
    assert stopping.read(None) == stopping.read(console) == Stopping()


def test_only_the_end_of_a_long_console_is_read(console: Path) -> None:
    console.write_text(RUNS.format("old") + "x" * stopping.END_BYTES + "\n" + RUNS.format("new"))
    assert stopping.read(console) == Stopping(waits_for=("new",))


def test_a_list_of_names_is_short() -> None:
    assert stopping.listed(["a", "b"]) == "a, b"
    many = stopping.listed([f"c{number}" for number in range(1000)])
    assert many.startswith("c0, c1,")
    assert many.endswith("and 992 more")
