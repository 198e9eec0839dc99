"""A disk without room: said beforehand where it can be known, and nothing is lost where not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.wait import Deadline
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Server

ISO = make_iso()
OLD_ISO = make_iso("1.8.0", sectors=60)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a real file system with room for the old image and half a new one."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=336k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs Linux, and the right to mount a file system")
    try:
        (folder / "boot2docker.iso").write_bytes(OLD_ISO)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("is_length_known", [True, False])
def test_a_full_disk_keeps_the_old_image_and_is_left_as_it_was(
    server: Server,
    make_images: MakeImages,
    small_disk: Path,
    deadline: Deadline,
    is_length_known: bool,
) -> None:
    page = web_server.file(ISO) if is_length_known else web_server.chunked(ISO)
    server.pages["/boot2docker.iso"] = page
    destination = small_disk / "boot2docker.iso"
    with pytest.raises(DownloadError, match="the disk is too full") as caught:
        make_images(destination=destination).fetch(deadline)
    assert caught.value.exit_status == 8
    assert " MB free in " in caught.value.details
    assert ("0.4 MB more needed" in caught.value.details) == is_length_known
    assert destination.read_bytes() == OLD_ISO
    assert not (small_disk / "boot2docker.iso.download").exists()


def test_room_made_meanwhile_is_used(
    server: Server, make_images: MakeImages, small_disk: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    images = make_images(destination=small_disk / "boot2docker.iso")
    with pytest.raises(DownloadError, match="too full"):
        images.fetch(deadline)
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    images.fetch(deadline)
    assert (small_disk / "boot2docker.iso").read_bytes() == ISO


LIMITED = """
import resource, sys
from pathlib import Path
from boot2docker_py.errors import DownloadError
from boot2docker_py.image import ImageRequest, Images
from boot2docker_py.wait import Deadline
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try:
    Images(ImageRequest(url=sys.argv[1], destination=Path(sys.argv[2]))).fetch(Deadline(60))
except DownloadError as error:
    print(error.brief, error.details)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of this kind")
def test_a_disk_that_fills_up_meanwhile_costs_only_the_partial_download(
    server: Server, destination: Path
) -> None:
    """The limit on the size of files stands for other programs that take the room meanwhile."""
    destination.parent.mkdir(parents=True)
    destination.write_bytes(OLD_ISO)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    command = [sys.executable, "-c", LIMITED, server.url(), str(destination)]
    result = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    assert "the disk is too full" in result.stdout
    assert "0.3 MB more needed" in result.stdout
    assert destination.read_bytes() == OLD_ISO
    assert not (destination.parent / "boot2docker.iso.download").exists()
