"""A real swarm of three VMs, which the tests of this folder share."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tarfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.e2e.conftest import VM, iso

__all__ = ["iso"]

NAMES = ("demo-1", "demo-2", "demo-3")
THREE_MANAGERS = ("--nodes", "3", "--managers", "3")
LONG_S = 900
WITHIN_S = 600.0
ARE_BUSY = b"context deadline exceeded"
IS_DONE = b"already exists"  # by the question that was given up


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

    def docker(self, *words: str, stdin: bytes = b"") -> str:
        """Run the docker client, which must succeed; return what it printed."""
        end = time.monotonic() + WITHIN_S
        answer = self.try_docker(*words, stdin=stdin)
        is_done = answer.returncode == 0
        while not is_done and ARE_BUSY in answer.stderr and time.monotonic() < end:
            print(f"busy managers: docker {words[:5]}")
            answer = self.try_docker(*words, stdin=stdin)
            is_done = answer.returncode == 0 or IS_DONE in answer.stderr
        assert is_done, answer.stderr.decode()
        return answer.stdout.decode()

    def states(self) -> list[str]:
        """Return what a manager says of each node."""
        nodes = self.swarm("ls")["nodes"]
        return [node["node"]["state"] if node["node"] else "unknown" for node in nodes]

    def addresses(self) -> list[str]:
        """Return where the managers find each node."""
        return [node["node"]["address"] for node in self.swarm("ls")["nodes"]]

    def answer_docker(self) -> bool:
        """Tell whether a manager answers docker with the swarm's context."""
        answer = self.try_docker("--context", "demo", "node", "ls", "--quiet")
        return answer.returncode == 0 and answer.stdout != b""

    def serving_node(self) -> str:
        """Return the node whose forwarder has the place where the swarm's context leads to."""
        for name in NAMES:
            told = self.try_run("forward", "--status", "--json", "--vm", name).stdout
            listeners = json.loads(told).get("forwarder", {}).get("listeners", ())
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


def eventually(
    is_so: Callable[[], bool], within_s: float = WITHIN_S, look_again_s: float = 1.0
) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, "it never was"
        time.sleep(look_again_s)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a `with` block took, and how loaded this machine is."""
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    print(f"{what}: {took_s:.1f} s, at a load of {os.getloadavg()[0]:.1f}")


@pytest.fixture(scope="session")
def nodes(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Make a swarm of three managers, with an image in each engine."""
    folder = tmp_path_factory.mktemp("swarm")
    nodes = Nodes(folder / "b2d", iso)
    try:
        with timed("swarm create of three managers"):
            nodes.swarm("create", *THREE_MANAGERS, "--memory", "1g", "--cpus", "1")
        busybox = shutil.which("busybox")
        assert busybox, "there is no static busybox; get it with: make deps"
        with tarfile.open(folder / "bb.tar", "w") as archive:
            archive.add(busybox, "busybox")
        nodes.load_everywhere(folder / "bb.tar")
        yield nodes
    finally:
        nodes.swarm("delete")
