"""The engine in a company: its registry, its mirror, its proxy, its certificates."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Iterator

import pytest

from tests.company import services
from tests.company.services import BY_PROXY, MIRROR, PASSWORD, PROXY, REGISTRY, USER, Company
from tests.e2e.conftest import VM

IMAGE = "library/company:1"
PROXY_SECRET = "never%3Ashown"
# The engine gives a registry 15 s for an answer, which a busy machine may need for a TLS handshake.
SLOW, TRIES = (b"deadline exceeded", b"Client.Timeout", b"handshake timeout"), 20


@pytest.fixture
def network(tmp_path: Path, doors: Path) -> Iterator[Company]:
    with services.run(tmp_path, doors) as running:
        yield running


def an_image() -> bytes:
    """Return a container image of one small layer, as `docker import` takes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        content = b"of the company\n" * 1000
        member = tarfile.TarInfo("file")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def log_in(vm: VM, registry: str) -> bytes:
    """Return why the registry does not let us in, nothing if it does."""
    words = ("login", "--username", USER, "--password-stdin", registry)
    for _ in range(TRIES):
        done = vm.try_docker(*words, stdin=PASSWORD.encode())
        if not any(slow in done.stderr for slow in SLOW):
            break
    return b"" if done.returncode == 0 else done.stderr


def pull_anew(vm: VM, name: str) -> str:
    """Fetch an image of which the engine has nothing."""
    vm.docker("image", "prune", "--force")
    words = vm.docker("pull", name)
    vm.docker("rmi", name)
    return words


def test_login_push_and_pull_by_certificate_mirror_and_proxy(vm: VM, network: Company) -> None:
    host = REGISTRY.partition(":")[0]
    vm.run("ssh", f"echo {services.ADDRESS} {host} | sudo tee -a /etc/hosts")
    assert b"certificate" in log_in(vm, REGISTRY), "a company's authority is not known by itself"

    vm.environ["NO_PROXY"] = f"{host},{services.ADDRESS}"
    proxy = f"http://{USER}:{PROXY_SECRET}@{PROXY}"
    flags = ("--engine-ca", str(network.authority), "--registry-mirror", MIRROR, "--proxy", proxy)
    try:
        up = vm.try_run("up", *flags)
        assert up.returncode == 0, up.stderr
        assert log_in(vm, REGISTRY) == b""
        vm.docker("import", "-", f"{REGISTRY}/{IMAGE}", stdin=an_image())
        vm.docker("push", f"{REGISTRY}/{IMAGE}")
        vm.docker("rmi", f"{REGISTRY}/{IMAGE}")
        assert "Pull complete" in pull_anew(vm, f"{REGISTRY}/{IMAGE}")
        assert network.proxy.asked == [], "NO_PROXY was not heeded"

        # Docker Hub cannot be reached: what bears its name comes from the mirror.
        assert "Pull complete" in pull_anew(vm, IMAGE.partition("/")[2])

        # A name that only the proxy knows.
        assert log_in(vm, BY_PROXY) == b""
        assert "Pull complete" in pull_anew(vm, f"{BY_PROXY}/{IMAGE}")
        assert BY_PROXY in network.proxy.asked

        # A registry of today has no search (it was a part of the first version of the protocol).
        assert vm.try_docker("search", f"{REGISTRY}/company").returncode != 0

        shown = vm.run("config", *flags) + vm.run("config", "--json", *flags)
        shown += up.stdout.decode() + up.stderr.decode()
        shown += (vm.home / "boot2docker.log").read_text(encoding="utf-8", errors="replace")
        for secret in (PROXY_SECRET, services.PROXY_PASSWORD):
            assert secret not in shown
    finally:
        del vm.environ["NO_PROXY"]
        vm.run("up")
    assert b"certificate" in log_in(vm, REGISTRY), "what is not wanted any more is taken back"
