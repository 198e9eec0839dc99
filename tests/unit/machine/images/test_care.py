"""Which images there are, and which may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.drivers.many import Listed
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import WrongStateError
from boot2docker_py.image import ImageRequest, Images, read_image
from boot2docker_py.machine.images import care, pins
from boot2docker_py.paths import Paths, find
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock
from tests.unit.image.iso_bytes import make_iso

VERSIONS = ("1.0", "2.0", "3.0")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find({"BOOT2DOCKER_DIR": str(tmp_path / "home")}, tmp_path)


@pytest.fixture
def images(paths: Paths) -> Images:
    """Return images: three that are kept, the last one in place."""
    images = Images(ImageRequest(url="auto", destination=paths.iso))
    paths.iso.parent.mkdir(parents=True)
    for version in VERSIONS:
        paths.iso.unlink(missing_ok=True)
        paths.iso.write_bytes(make_iso(version))
        images.kept.keep(read_image(paths.iso))
    return images


def kept(images: Images, version: str) -> Path:
    found = images.kept.find(version)
    assert found is not None
    return found.path


def pin(paths: Paths, name: str, images: Images, version: str) -> None:
    pins.write(paths.vm(name), read_image(kept(images, version)))
    (paths.vm(name).folder / "driver").write_text("qemu")


def deadline() -> Deadline:
    return Deadline(5, FakeClock())


def test_what_no_vm_boots_goes(paths: Paths, images: Images) -> None:
    vms = [Listed("a", "qemu", State.OFF, 0, images=(kept(images, "1.0"), paths.iso))]
    pin(paths, "b", images, "2.0")
    pruned = care.prune(images, vms, paths, deadline())
    assert {image.version for image in images.kept.all()} == {"1.0", "2.0"}
    assert len(pruned.removed) == 1
    assert pruned.bytes_freed == paths.iso.stat().st_size
    assert read_image(paths.iso).version == "3.0", "the one in place is not theirs to take"


def test_when_a_vm_cannot_be_asked_nothing_goes(paths: Paths, images: Images) -> None:
    vms = [Listed("a", "virtualbox", None, 0, "VirtualBox does not answer")]
    with pytest.raises(WrongStateError) as caught:
        care.prune(images, vms, paths, deadline())
    assert "VirtualBox does not answer" in caught.value.details
    assert len(images.kept.all()) == 3


def test_when_a_pin_cannot_be_read_nothing_goes(paths: Paths, images: Images) -> None:
    pin(paths, "b", images, "2.0")
    paths.vm("b").pin.write_text("{")
    with pytest.raises(Exception, match="pinned to is not known"):
        care.prune(images, [], paths, deadline())
    assert len(images.kept.all()) == 3


def test_all_are_listed_with_who_boots_them(paths: Paths, images: Images) -> None:
    vms = [
        Listed("a", "qemu", State.OFF, 0, images=(paths.iso,)),
        Listed("b", "qemu", State.OFF, 0, images=(paths.iso,)),
    ]
    pin(paths, "b", images, "2.0")
    found = care.inventory(images, paths.iso, vms, paths)
    rows = {(one.place, one.version, one.used_by) for one in found}
    assert rows == {
        ("in place", "3.0", ("a", "b")),
        ("kept", "3.0", ()),
        ("kept", "2.0", ("b",)),
        ("kept", "1.0", ()),
    }


def test_a_damaged_image_is_listed_as_such(paths: Paths, images: Images) -> None:
    paths.iso.unlink()
    paths.iso.write_bytes(b"half")
    found = care.inventory(images, paths.iso, [], paths)[0]
    assert (found.place, found.version) == ("in place", "")
    assert found.problem
