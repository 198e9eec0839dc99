"""An image goes from engine to engine through the real sshd; `docker` there is a script."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.errors import GuestError
from boot2docker_py.guest.copy.engine_image import image_id, pass_on
from boot2docker_py.ssh.connection import Connection
from tests.unit.guest_side import path_there
from tests.unit.ssh.real_sshd import Sshd, needs_sshd

pytestmark = needs_sshd

# What it is asked for last is a file: that of the image.
DOCKER = """#!/bin/sh
cd "$(dirname "$0")/../engine"
for image; do :; done
case $1 in
save) [ -e "$image" ] || { echo "No such image: $image" >&2; exit 1; }; cat "$image" ;;
load) [ ! -e full ] || { echo "no space left on device" >&2; exit 1; }; cat > new; mv new it ;;
image) [ -e "$image" ] && echo "sha256:$(sha256sum < "$image" | cut -d ' ' -f 1)" ;;
esac
"""


class Engine:
    """A guest whose engine keeps its images in a folder."""

    def __init__(self, folder: Path) -> None:
        (folder / "bin").mkdir(parents=True)
        (folder / "engine").mkdir()
        program = folder / "bin" / "docker"
        program.write_text(DOCKER)
        program.chmod(0o755)
        path = f"{path_there(program.parent)}:/usr/bin:/bin"
        self.folder = folder / "engine"
        self.sshd = Sshd(folder / "etc", environ={"PATH": path})


@pytest.fixture
def one(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "other")


@pytest.fixture
def connections(one: Engine, other: Engine) -> Iterator[tuple[Connection, Connection]]:
    with contextlib.ExitStack() as both:
        servers = [both.enter_context(engine.sshd.running()) for engine in (one, other)]
        source, target = (both.enter_context(server.connect()) for server in servers)
        yield source, target


def test_image_arrives_whole(
    one: Engine, other: Engine, connections: tuple[Connection, Connection]
) -> None:
    image = os.urandom(3_000_000)
    (one.folder / "web:1").write_bytes(image)
    seen: list[int] = []
    assert pass_on("web:1", *connections, 60.0, seen.append) == len(image)
    assert (other.folder / "it").read_bytes() == image
    assert seen[-1] == len(image)


def test_engine_without_the_image_says_so(connections: tuple[Connection, Connection]) -> None:
    with pytest.raises(GuestError, match="does not hand out") as caught:
        pass_on("web:1", *connections, 60.0)
    assert "No such image: web:1" in caught.value.details


def test_engine_that_takes_no_image_says_why(
    one: Engine, other: Engine, connections: tuple[Connection, Connection]
) -> None:
    (one.folder / "web:1").write_bytes(os.urandom(5_000_000))
    (other.folder / "full").touch()
    with pytest.raises(GuestError, match="does not take") as caught:
        pass_on("web:1", *connections, 60.0)
    assert "no space left" in caught.value.details


def test_image_without_an_end_is_refused(
    one: Engine, connections: tuple[Connection, Connection]
) -> None:
    (one.folder / "web:1").write_bytes(os.urandom(3_000_000))
    with pytest.raises(GuestError, match="has no end"):
        pass_on("web:1", *connections, 60.0, limit_bytes=1_000_000)


def test_image_is_known_by_what_it_contains(
    one: Engine, connections: tuple[Connection, Connection]
) -> None:
    (one.folder / "web:1").write_bytes(b"it")
    found = image_id(connections[0], "web:1", 60.0)
    assert found.startswith("sha256:")
    assert len(found) == 71
    assert image_id(connections[1], "web:1", 60.0) == ""


@pytest.mark.parametrize("told", ["nonsense", "sha256:", "sha256:" + "a" * 65, "\x1b[2J"])
def test_id_that_is_none_is_no_image(
    one: Engine, connections: tuple[Connection, Connection], told: str
) -> None:
    docker = one.folder.parent / "bin" / "docker"
    docker.write_text(f"#!/bin/sh\nprintf '%s' '{told}'\n")
    assert image_id(connections[0], "web:1", 60.0) == ""
