"""The page of limits names each bound on what the VM and clients send."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any, Iterator

import pytest

ROOT = Path(__file__).parents[2]
BOUND = re.compile(r"LIMIT|^_?(MOST|MAX|LONGEST)")
# Rooms that read what others say, and what looks like a bound there and is none.
ROOMS = ("guest", "endpoint")
OTHERS = {
    "endpoint.relay.loop.MOST_PUT_OFF": "calls of our own",
    "endpoint.ports.engine_events.LONGEST_PAUSE_S": "our own pauses",
    "endpoint.ports.tcp.LONGEST_PAUSE_S": "our own pauses",
    "endpoint.ports.tcp.LONGEST_PAUSE_OF_SERVICE_S": "our own pauses",
    "endpoint.way.link.LONGEST_PAUSE_S": "our own pauses",
    "endpoint.way.route.LONGEST_PAUSE_S": "our own pauses",
    "guest.resources._MOST_KB": "a number that no VM has",
    "guest.resources._MOST_SERVERS": "what resolv.conf has room for",
}


@pytest.fixture(scope="module")
def page() -> Any:
    spec = importlib.util.spec_from_file_location("limits", ROOT / "docs" / "limits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bounds_in(room: str) -> Iterator[str]:
    for file in sorted((ROOT / "boot2docker_py" / room).rglob("*.py")):
        module = ".".join(file.relative_to(ROOT / "boot2docker_py").with_suffix("").parts)
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else ()
            for target in targets:
                if isinstance(target, ast.Name) and BOUND.search(target.id):
                    yield f"{module}.{target.id}"


@pytest.mark.parametrize("room", ROOMS)
def test_each_bound_has_a_row(page: Any, room: str) -> None:
    named = {one.constant for group in (page.OF_GUEST, page.OF_CLIENTS) for one in group}
    named |= {one.constant for one in page.OF_USER}
    found = set(bounds_in(room))
    assert found
    assert found - named - set(OTHERS) == set()


def test_the_page_has_the_numbers_of_the_code(page: Any) -> None:
    text = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    assert text == page.limits_page()
