"""A real swarm of three VMs, which the tests of this folder share."""

from __future__ import annotations

import json
import shutil
import tarfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.e2e.conftest import VM, iso

__all__ = ["iso"]

NAMES = ("demo-1", "demo-2", "demo-3")
LONG_S = 900
WITHIN_S = 180.0


class Nodes(VM):
    """Three VMs of a swarm; `docker` asks the first of them."""

    def __init__(self, home: Path, iso: Path) -> None:
        super().__init__(home, iso, "demo-1")
        self.environ["BOOT2DOCKER_ISO_URL"] = str(iso)

    def swarm(self, action: str, *words: str) -> dict[str, Any]:
        """Run `boot2docker swarm ACTION demo`, which must succeed; return its answer."""
        command = ["swarm", action, "demo", *words, "--json", "--timeout", str(LONG_S)]
        answer = self.try_run("--driver", "qemu", *command, timeout_s=LONG_S + 60)
        assert answer.returncode == 0, answer.stderr.decode() + self.end_of_console()
        return dict(json.loads(answer.stdout))

    def states(self) -> list[str]:
        """Return what a manager says of each node."""
        nodes = self.swarm("ls")["nodes"]
        return [node["node"]["state"] if node["node"] else "unknown" for node in nodes]

    def ask_context(self, *words: str) -> str:
        """Run docker with the swarm's context; return what it printed, nothing if it failed."""
        answer = self.try_docker("--context", "demo", *words)
        return answer.stdout.decode() if answer.returncode == 0 else ""

    def serving_node(self) -> str:
        """Return the node whose forwarder has the place where the swarm's context leads to."""
        for name in NAMES:
            told = self.try_run("forward", "--status", "--json", "--vm", name).stdout
            listeners = json.loads(told)["forwarder"]["listeners"]
            if any(".swarm-demo" in one["where"] and not one["problem"] for one in listeners):
                return name
        return ""

    def node_with_port(self, port: int) -> str:
        """Return the node whose forwarder listens at a port of localhost."""
        for name in NAMES:
            rows = json.loads(self.run("ports", "--json", "--vm", name))["ports"]
            if any(row["port"] == port and row["listens_at"] for row in rows):
                return name
        raise AssertionError(f"none listens at {port}")

    def import_image(self, archive: Path, name: str, *options: str) -> None:
        """Import an image, of an archive of files, into the engine of the first node."""
        self.docker("import", *options, str(archive), name)

    def load_everywhere(self, archive: Path) -> None:
        """Import an image into one engine, and give it to the others."""
        self.import_image(archive, "bb:1")
        loaded = self.swarm("load", "bb:1")
        assert (loaded["source"], loaded["targets"]) == ("demo-1", ["demo-2", "demo-3"])
        assert self.swarm("load", "bb:1")["targets"] == []


def eventually(is_so: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "it never was"
        time.sleep(1)


@pytest.fixture(scope="session")
def nodes(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Make a swarm of three managers, with an image in each engine."""
    folder = tmp_path_factory.mktemp("swarm")
    nodes = Nodes(folder / "b2d", iso)
    try:
        nodes.swarm("create", "--nodes", "3", "--managers", "3", "--memory", "1g", "--cpus", "1")
        busybox = shutil.which("busybox")
        assert busybox, "there is no static busybox; get it with: make deps"
        with tarfile.open(folder / "bb.tar", "w") as archive:
            archive.add(busybox, "busybox")
        nodes.load_everywhere(folder / "bb.tar")
        yield nodes
    finally:
        nodes.swarm("delete")
