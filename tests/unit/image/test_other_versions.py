"""`upgrade --to` and `--check`: which image a version is, and where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError, NotFoundError
from boot2docker_py.image import read_image
from boot2docker_py.image.staged import StagedImage
from boot2docker_py.wait import Deadline
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.test_package import Install, install

__all__ = ["install"]

API = "/api/v3/repos/boot2docker/boot2docker/releases"
OLD, NEW = "26.1.5-20261101", "26.1.5-20261115"


def put(destination: Path, version: str) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    destination.write_bytes(make_iso(version))


def staged_version(staged: StagedImage | None) -> str | None:
    return staged.after.version if staged else None


def offer_release(server: web_server.Server, version: str, api: str = API) -> None:
    content = make_iso(version)
    server.pages[f"/{version}.iso"] = web_server.file(content)
    entry = {
        "tag_name": f"v{version}",
        "assets": [
            {"name": "boot2docker.iso", "browser_download_url": server.url(f"/{version}.iso")}
        ],
    }
    server.pages[f"{API}/tags/v{version}"] = web_server.as_json(entry)
    server.pages[api] = web_server.as_json([entry])


def test_the_version_in_place_needs_nothing(
    make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, OLD)
    assert make_images("auto", offline=True).stage_version(OLD, deadline) is None
    assert make_images("auto", offline=True).stage_version("26.1.5", deadline) is None


@pytest.mark.parametrize("wanted", [OLD, NEW])
def test_of_two_packages_the_one_that_was_named_is_taken(
    install: Install, make_images: MakeImages, destination: Path, deadline: Deadline, wanted: str
) -> None:
    put(destination, "1.8.0")
    for version in (OLD, NEW):
        install(version, f"packages {version}")
    staged = make_images("auto", offline=True).stage_version(wanted, deadline)
    assert staged_version(staged) == wanted


def test_an_older_release_is_asked_for_by_its_tag(
    server: web_server.Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, "19.03.12")
    offer_release(server, "18.09.9")
    for url in (API, f"{API}/latest", f"{API}/"):
        server.asked.clear()
        staged = make_images(server.url(url)).stage_version("v18.09.9", deadline)
        assert staged_version(staged) == "18.09.9"
        assert f"{API}/tags/v18.09.9" in str(server.asked[0])


@pytest.mark.parametrize("wanted", ["17.1", "../latest", "a b", "%2e%2e", "1?x=1"])
def test_a_release_that_is_not_there_is_not_found(
    server: web_server.Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    wanted: str,
) -> None:
    put(destination, "19.03.12")
    offer_release(server, "18.09.9")
    with pytest.raises(NotFoundError, match="there is no image") as caught:
        make_images(server.url(API)).stage_version(wanted, deadline)
    assert caught.value.exit_status == 3
    assert read_image(destination).version == "19.03.12"


def test_a_kept_image_is_taken_without_a_network(
    make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    images = make_images("auto", offline=True)
    put(destination, OLD)
    images.kept.keep(read_image(destination))
    destination.unlink()
    put(destination, NEW)
    assert staged_version(images.stage_version(OLD, deadline)) == OLD


def test_offline_another_version_is_not_fetched(
    server: web_server.Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, NEW)
    with pytest.raises(DownloadError, match="--offline"):
        make_images(server.url(API), offline=True).stage_version("18.09.9", deadline)
    assert server.asked == []


def test_an_offer_is_remembered_for_those_who_may_not_ask(
    server: web_server.Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, "18.09.9")
    offer_release(server, "19.03.12")
    images = make_images(server.url(API))
    assert images.newest_known() is None
    offer = images.offer(deadline)
    assert (offer.is_newer, offer.release.version) == (True, "19.03.12")
    server.pages.clear()
    known = images.newest_known()
    assert known is not None
    assert known.version == "19.03.12"
    assert make_images(server.url("/another.iso")).newest_known() is None
    assert read_image(destination).version == "18.09.9", "a check changes nothing"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"[" * 9_000, b"\xff" * 100])
def test_what_was_remembered_may_be_damaged(
    make_images: MakeImages, destination: Path, damage: bytes
) -> None:
    put(destination, OLD)
    destination.with_name("boot2docker.iso.offered").write_bytes(damage)
    assert make_images("https://mirror.example/x.iso").newest_known() is None


def test_the_newest_installed_image_is_known(
    install: Install, make_images: MakeImages, destination: Path
) -> None:
    install(OLD, "one")
    install(NEW, "two")
    known = make_images("auto").newest_known()
    assert known is not None
    assert known.version == NEW


def test_before_it_is_permitted_nothing_is_fetched(
    server: web_server.Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, "18.09.9")
    offer_release(server, "19.03.12")

    def refuse() -> None:
        raise NotFoundError("no")

    with pytest.raises(NotFoundError, match="no"):
        make_images(server.url(API)).stage(deadline, refuse)
    assert not any("19.03.12.iso" in str(one) for one in server.asked if ".sha256" not in str(one))
    assert not destination.with_name("boot2docker.iso.new").exists()


@pytest.mark.parametrize(("offered", "is_newer"), [(OLD, False), (NEW, True)])
def test_a_check_of_a_file_reads_it(
    make_images: MakeImages, destination: Path, deadline: Deadline, offered: str, *, is_newer: bool
) -> None:
    put(destination, OLD)
    source = destination.with_name("source.iso")
    source.write_bytes(make_iso(offered))
    assert make_images(str(source)).offer(deadline).is_newer is is_newer


def test_a_check_of_an_address_that_tells_no_version_says_so(
    server: web_server.Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, OLD)
    server.pages["/boot2docker.iso"] = web_server.file(make_iso(OLD))
    assert make_images().offer(deadline).is_newer is None
