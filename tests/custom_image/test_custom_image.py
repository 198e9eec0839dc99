"""docs/images.md, "An image of your own": built with `ipvsadm`, pinned in a profile, and run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest

from tests.e2e.conftest import ROOT, VM

CUSTOM = ROOT / "build" / "custom" / "boot2docker.iso"
OTHER_CHECKSUM = "0" * 64
IMAGE_REFUSED = 8


@pytest.fixture(scope="module")
def iso() -> Path:
    """Return the image that `make custom-image` built, with its checksum beside it."""
    assert CUSTOM.exists(), f"there is no '{CUSTOM}'; build it with: make custom-image"
    return CUSTOM


@pytest.fixture(scope="module")
def checksum(iso: Path) -> str:
    return iso.with_name(f"{iso.name}.sha256").read_text(encoding="ascii").split()[0]


def pinned(vm: VM, checksum: str) -> None:
    """Write the profile of those that shall run this image and no other."""
    vm.home.mkdir(parents=True, exist_ok=True)
    lines = (
        'Driver = "qemu"',
        f'ISOURL = "{vm.iso}"',
        f'SHA256 = "{checksum}"',
        f'ISO = "{vm.home / "images" / "ipvs.iso"}"',
    )
    (vm.home / "profile").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def vm(iso: Path, checksum: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VM]:
    """Return a VM of that image, running."""
    vm = VM(tmp_path_factory.mktemp("custom") / "b2d", iso)
    pinned(vm, checksum)
    try:
        vm.run("up", "--memory", "1024", "--disksize", "6000", "--timeout", "280")
        yield vm
    finally:
        vm.run("delete", "--force")


def test_the_program_that_was_added_runs(vm: VM) -> None:
    vm.run("ssh", "sudo", "ipvsadm", "-A", "-t", "10.0.0.1:80", "-s", "rr")
    assert "TCP  10.0.0.1:80 rr" in vm.run("ssh", "sudo", "ipvsadm", "-L", "-n")


def test_the_engine_answers(vm: VM) -> None:
    assert vm.docker("version", "--format", "{{.Server.Os}}").strip() == "linux"


def test_nothing_but_the_profile_changes_it(vm: VM, checksum: str) -> None:
    offer = json.loads(vm.run("upgrade", "--check", "--json"))
    assert not offer["is_newer"], offer
    in_place = vm.home / "images" / "ipvs.iso"
    assert json.loads((in_place.parent / f"{in_place.name}.json").read_text())["sha256"] == checksum


def test_another_image_is_refused(iso: Path, tmp_path: Path) -> None:
    other = VM(tmp_path / "b2d", iso)
    pinned(other, OTHER_CHECKSUM)
    refused = other.try_run("up")
    assert refused.returncode == IMAGE_REFUSED, refused
    assert b"is not the one that was published: its checksum" in refused.stderr
    assert not (other.home / "images" / "ipvs.iso").exists()
