"""The image that pip brought as a package: found, taken without a copy, kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import package, sources
from boot2docker_py.image.sources import Kind
from boot2docker_py.wait import Deadline
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso

OLD, NEW = "26.1.5-20261101", "26.1.5-20261115"
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install an image as a package, as pip does, in a folder of its own; return the image."""

    def installed(version: str = NEW, folder: str = "site-packages", filling: int = 0) -> Path:
        packages = tmp_path / folder
        iso = packages / package.FILE
        iso.parent.mkdir(parents=True)
        content = make_iso(version, filling=filling)
        iso.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        iso.with_name("boot2docker.iso.sha256").write_text(f"{digest}  boot2docker.iso\n")
        number = version.replace("-", ".")
        info = packages / f"boot2docker_image-{number}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: boot2docker-image\nVersion: {number}\n"
        (info / "METADATA").write_text(text)
        monkeypatch.syspath_prepend(str(packages))
        return iso

    return installed


def uninstall(iso: Path) -> None:
    shutil.rmtree(iso.parents[1])


def test_without_a_package_the_original_is_named_with_its_age(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = package.source()
    assert (found.kind, found.location) == (Kind.RELEASES, sources.OFFICIAL_RELEASES)
    assert "engine of 2020" in caplog.text
    assert 'pip install --upgrade "boot2docker-py[image]"' in caplog.text


def test_the_image_is_put_in_place_whole(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    iso = install()
    image = make_images("auto").ensure(deadline)
    assert image.version == NEW
    assert destination.read_bytes() == iso.read_bytes()
    assert not destination.with_name("boot2docker.iso.download").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no file that is open")
def test_nothing_is_copied_that_can_be_linked(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    iso = install()
    make_images("auto").ensure(deadline)
    assert destination.samefile(iso)
    make_images("auto", force=True).fetch(deadline)
    assert destination.samefile(iso)


def test_a_file_system_without_hard_links_gets_a_copy(
    install: Install,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # of vfat and exfat

    iso = install()
    monkeypatch.setattr(os, "link", refuse)
    make_images("auto").ensure(deadline)
    assert not destination.samefile(iso)
    assert destination.read_bytes() == iso.read_bytes()


def test_a_file_of_another_user_is_copied(
    install: Install,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    iso = install()
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    make_images("auto").ensure(deadline)
    assert not destination.samefile(iso)


def test_the_image_in_place_outlives_the_package(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    before = install().read_bytes()
    make_images("auto").ensure(deadline)
    uninstall(destination.parent.parent / "site-packages" / package.FILE)
    assert make_images("auto").ensure(deadline).version == NEW
    assert destination.read_bytes() == before


def test_an_upgrade_takes_the_newer_package_and_can_go_back(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    old = install(OLD)
    make_images("auto").ensure(deadline)
    assert make_images("auto").stage(deadline) is None
    uninstall(old)
    install(NEW, "again")
    staged = make_images("auto").stage(deadline)
    assert staged is not None
    staged.swap_in()
    assert make_images("auto").ensure(deadline).version == NEW
    assert staged.roll_back().version == OLD


def test_the_same_version_with_other_content_is_taken(
    install: Install, make_images: MakeImages, deadline: Deadline
) -> None:
    uninstall_later = install(NEW)
    make_images("auto").ensure(deadline)
    uninstall(uninstall_later)
    install(NEW, "again", filling=1)
    assert make_images("auto").stage(deadline) is not None


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)])
def test_the_newest_of_two_packages_counts(install: Install, order: tuple[str, str]) -> None:
    for version in order:
        install(version, f"packages {version}")
    assert f"packages {NEW}" in package.source().location


def break_by_removal(iso: Path) -> None:
    iso.unlink()


def break_by_a_cut(iso: Path) -> None:
    iso.write_bytes(iso.read_bytes()[:100_000])


BREAKS = pytest.mark.parametrize("break_it", [break_by_removal, break_by_a_cut])


@BREAKS
def test_half_a_package_is_named_and_passed_over(
    install: Install, break_it: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    install(OLD, "whole")
    break_it(install(NEW, "half"))
    assert str(Path("whole", package.FILE)) in package.source().location
    assert "passed over" in caplog.text


@BREAKS
def test_half_a_package_alone_is_an_error_and_not_the_engine_of_2020(
    install: Install, break_it: Callable[[Path], None]
) -> None:
    break_it(install())
    with pytest.raises(DownloadError) as caught:
        package.source()
    assert "--force-reinstall" in caught.value.resolution


def test_a_damaged_image_is_refused(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    iso = install()
    content = bytearray(iso.read_bytes())
    content[-1] ^= 1
    iso.write_bytes(bytes(content))
    with pytest.raises(DownloadError, match="checksum is wrong"):
        make_images("auto").ensure(deadline)
    assert not destination.exists()


def test_offline_a_package_is_enough(
    install: Install, make_images: MakeImages, deadline: Deadline
) -> None:
    install()
    assert make_images("auto", offline=True).fetch(deadline).version == NEW


def test_offline_without_a_package_the_image_in_place_is_enough(
    install: Install,
    make_images: MakeImages,
    deadline: Deadline,
    caplog: pytest.LogCaptureFixture,
) -> None:
    iso = install()
    make_images("auto").ensure(deadline)
    uninstall(iso)
    assert make_images("auto", offline=True).fetch(deadline).version == NEW
    assert "engine of 2020" not in caplog.text
