"""The recording on the site: what it shows, and that it names nothing of the machine it is from."""

from __future__ import annotations

import importlib.util
import re
import xml.etree.ElementTree as Tree
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DEMO = DOCS / "demo.svg"
MOST_BYTES = 200_000
NAME = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def recording() -> Any:
    spec = importlib.util.spec_from_file_location("recording", DOCS / "recording.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines_of(svg: str) -> list[str]:
    return [one.text or "" for one in Tree.fromstring(svg).iter(f"{NAME}text")]


def test_the_recording_shows_the_demo_to_its_end() -> None:
    lines = lines_of(DEMO.read_text("utf-8"))
    for words in ("$ boot2docker up", "Hello from a container in the VM!", "$ boot2docker down"):
        assert words in lines


def test_the_recording_is_small() -> None:
    assert DEMO.stat().st_size < MOST_BYTES


def test_the_recording_names_no_path_of_a_machine() -> None:
    text = "\n".join(lines_of(DEMO.read_text("utf-8")))
    roots = set(re.findall(r"(?<![\w.:/])/(\w+)", text))
    assert roots <= {"tmp", "etc"}
    assert set(re.findall(r"/tmp/(\w+)", text)) <= {"demo"}


def test_a_line_that_is_written_over_is_shown_one_after_the_other(recording: Any) -> None:
    chunks = [(0.0, "waits: 1 s"), (1.0, "\rwaits: 2 s"), (2.0, "\r\x1b[Kdone      \r\n")]
    shown = recording.lines_shown(iter(chunks), {})
    assert [line.text for line in shown] == ["waits: 1 s", "waits: 2 s", "done"][-len(shown) :]
    assert shown[-1].text == "done"


def test_long_waits_are_shortened(recording: Any) -> None:
    shown = recording.lines_shown(iter([(0.0, "a\r\n"), (600.0, "b\r\n")]), {})
    assert max(line.end_s for line in shown) < 10


def test_more_lines_than_the_screen_has_scroll(recording: Any) -> None:
    text = "".join(f"line {number}\r\n" for number in range(40))
    shown = recording.lines_shown(iter([(0.0, text)]), {})
    assert "line 0" not in [line.text for line in shown]
    assert max(line.row for line in shown) < recording.ROWS


def test_names_of_the_machine_are_replaced(recording: Any) -> None:
    shown = recording.lines_shown(iter([(0.0, "in /home/me/work\r\n")]), {"/home/me": "here"})
    assert [line.text for line in shown] == ["in here/work"]


def test_what_a_command_writes_is_escaped(recording: Any) -> None:
    shown = recording.lines_shown(iter([(0.0, "$ a <b> & \x1b[31mc\x1b[0m\r\n")]), {})
    assert lines_of(recording.as_svg(shown)) == ["$ a <b> & c"]
