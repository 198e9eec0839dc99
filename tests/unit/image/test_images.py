"""What the commands ask for: an image in place, a newer one staged; from files, and offline."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from boot2docker_py.errors import BusyError, DeadlineError, DownloadError, UsageError
from boot2docker_py.image import read_image
from boot2docker_py.lock import hold
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Server

ISO = make_iso("19.03.12")
API = "/repos/boot2docker/boot2docker/releases"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an image elsewhere on this disk."""
    path = tmp_path / "build" / "böot 2.iso"
    path.parent.mkdir()
    path.write_bytes(ISO)
    return path


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# -- files


@pytest.mark.parametrize("as_url", [False, True], ids=["path", "file: URL"])
def test_a_file_is_copied(
    make_images: MakeImages, source: Path, destination: Path, deadline: Deadline, as_url: bool
) -> None:
    """A copy, not a link: the next build must not change the image under a running VM."""
    image = make_images(source.as_uri() if as_url else str(source)).fetch(deadline)
    source.write_bytes(b"the next build has begun")
    assert destination.read_bytes() == ISO
    assert (image.version, image.sha256) == ("19.03.12", sha256_of(ISO))
    assert {path.name for path in destination.parent.iterdir()} == {
        "boot2docker.iso",
        "boot2docker.iso.json",
        "boot2docker.iso.download.lock",
    }


def test_a_checksum_beside_a_file_is_held_to(
    make_images: MakeImages, source: Path, destination: Path, deadline: Deadline
) -> None:
    beside = source.with_name(source.name + ".sha256")
    beside.write_text(f"{'0' * 64}  boot2docker.iso\n")
    with pytest.raises(DownloadError, match="checksum is wrong") as caught:
        make_images(str(source)).fetch(deadline)
    assert str(beside) in caught.value.details
    assert not destination.exists()
    beside.write_text(f"{sha256_of(ISO)}  boot2docker.iso\n")
    assert make_images(str(source)).fetch(deadline).sha256 == sha256_of(ISO)


@pytest.mark.parametrize("what", ["missing", "folder", "not an image"])
def test_a_file_that_is_no_image_is_named(
    make_images: MakeImages, tmp_path: Path, destination: Path, deadline: Deadline, what: str
) -> None:
    path = tmp_path / "wrong.iso"
    if what == "folder":
        path.mkdir()
    elif what == "not an image":
        path.write_bytes(b"x" * 99_999)
    with pytest.raises(DownloadError, match="wrong.iso") as caught:
        make_images(str(path)).fetch(deadline)
    assert "--iso-url" in caught.value.resolution  # `download` alone would fetch another image
    assert not destination.exists()


def test_the_destination_itself_may_be_the_source(
    make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    images = make_images(str(destination))
    assert images.fetch(deadline).path == destination
    assert images.stage(deadline) is None
    assert destination.read_bytes() == ISO
    with pytest.raises(DownloadError, match="checksum is wrong"):
        make_images(str(destination), sha256="0" * 64).fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_link_to_the_source_is_the_source_itself(
    make_images: MakeImages, source: Path, destination: Path, deadline: Deadline
) -> None:
    destination.parent.mkdir(parents=True)
    destination.symlink_to(source)
    make_images(str(source)).fetch(deadline)
    assert destination.read_bytes() == ISO
    assert destination.is_symlink()


def test_files_need_no_network_modules(source: Path, destination: Path) -> None:
    """Starting `requests` costs more than all the rest of a quick command."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from boot2docker_py.image import ImageRequest, Images, read_image\n"
        "from boot2docker_py.wait import Deadline\n"
        "request = ImageRequest(url=sys.argv[1], destination=Path(sys.argv[2]))\n"
        "Images(request).fetch(Deadline(60))\n"
        "read_image(Path(sys.argv[2]))\n"
        "sys.exit('requests' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(source), str(destination)], check=True)


# -- ensure, offline, busy


def test_an_image_in_place_is_used_without_asking_anybody(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    assert make_images().ensure(deadline).version == "19.03.12"
    assert server.asked == []


def test_a_missing_image_is_fetched(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    assert make_images().ensure(deadline).path == destination


def test_an_image_that_is_not_the_one_asked_for_is_replaced(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, make_iso("1.8.0"))
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    assert make_images(sha256=sha256_of(ISO)).ensure(deadline).version == "19.03.12"


def test_what_is_no_image_is_not_replaced_without_being_told_to(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """`--iso` may name the wrong file, and `up` must not overwrite that."""
    put(destination, b"my thesis")
    with pytest.raises(DownloadError, match="not an ISO 9660 image") as caught:
        make_images().ensure(deadline)
    assert "boot2docker download" in caught.value.resolution
    assert destination.read_bytes() == b"my thesis"


def test_offline_takes_what_is_there(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    images = make_images(offline=True)
    assert images.ensure(deadline).version == "19.03.12"
    assert images.fetch(deadline).version == "19.03.12"
    assert server.asked == []


def test_offline_fails_where_a_network_is_needed(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    images = make_images(offline=True)
    for ask in (images.ensure, images.fetch, images.offer, images.stage):
        with pytest.raises(DownloadError, match="--offline") as caught:
            ask(deadline)
        assert caught.value.exit_status == 8
    put(destination, ISO)
    with pytest.raises(DownloadError, match="checksum is wrong"):
        make_images(offline=True, sha256="0" * 64).fetch(deadline)
    assert server.asked == []


def test_offline_still_copies_files(
    make_images: MakeImages, source: Path, destination: Path, deadline: Deadline
) -> None:
    make_images(str(source), offline=True).fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_bad_checksum_argument_is_said_before_anything_is_fetched(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    with pytest.raises(UsageError, match="no SHA-256"):
        make_images(sha256="abc").fetch(deadline)
    assert server.asked == []


def test_another_run_that_never_ends_is_named(make_images: MakeImages, destination: Path) -> None:
    lock_path = destination.with_name("boot2docker.iso.download.lock")
    held = hold(lock_path, Deadline(60), purpose="fetching the image")
    with held, pytest.raises(BusyError, match="is fetching '.*boot2docker.iso'") as caught:
        make_images().fetch(Deadline(1, FakeClock()))
    assert "fetching the image" in caught.value.details


# -- stage

VERSIONS = {"older": "18.9.9", "same": "19.3.12", "newer": "26.1.5-20261101", "unknown": ""}


def offered(which: str) -> bytes:
    if which == "unknown":
        return make_iso(volume_id="Boot2Docker")
    return make_iso(VERSIONS[which], filling=1)


@pytest.mark.parametrize(
    ("which", "is_staged"), [("older", False), ("same", True), ("newer", True), ("unknown", True)]
)
@pytest.mark.parametrize("kind", ["url", "file"])
def test_a_named_image_is_staged_unless_it_is_older(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    tmp_path: Path,
    deadline: Deadline,
    caplog: pytest.LogCaptureFixture,
    which: str,
    is_staged: bool,
    kind: str,
) -> None:
    """The same version with other content: a user who names the image has built it anew."""
    put(destination, ISO)
    put(tmp_path / "other.iso", offered(which))
    server.pages["/boot2docker.iso"] = web_server.file(offered(which))
    url = server.url() if kind == "url" else str(tmp_path / "other.iso")
    staged = make_images(url).stage(deadline)
    assert destination.read_bytes() == ISO, "nothing is touched yet"
    assert (staged is not None) == is_staged
    assert ("older than v19.03.12" in caplog.text) == (which == "older")
    if staged:
        assert staged.before == read_image(destination)
        assert staged.after.path.read_bytes() == offered(which)
    else:
        assert not list(destination.parent.glob("*.new*"))


@pytest.mark.parametrize("kind", ["url", "file"])
def test_the_same_image_is_current(
    server: Server, make_images: MakeImages, destination: Path, source: Path, kind: str
) -> None:
    put(destination, ISO)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    url = server.url() if kind == "url" else str(source)
    assert make_images(url).stage(Deadline(60)) is None


@pytest.mark.parametrize(
    ("tag", "is_staged"), [("v18.09.9", False), ("v19.03.12", False), ("v19.03.13", True)]
)
def test_a_listed_release_is_staged_when_its_version_is_newer(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    tag: str,
    is_staged: bool,
) -> None:
    put(destination, ISO)
    server.pages[API] = web_server.as_json([{"tag_name": tag}])
    image_page = f"/boot2docker/boot2docker/releases/download/{tag}/boot2docker.iso"
    if is_staged:  # otherwise the image is not even asked for
        server.pages[image_page] = web_server.file(make_iso(tag[1:]))
    staged = make_images(server.url(API)).stage(deadline)
    assert (staged is not None) == is_staged
    assert (image_page in server.asked) == is_staged


def test_a_known_checksum_saves_the_download(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    server.pages["/boot2docker.iso.sha256"] = web_server.text(200, sha256_of(ISO))
    assert make_images().stage(deadline) is None
    assert "/boot2docker.iso" not in server.asked


def test_force_stages_even_what_is_older(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    server.pages["/boot2docker.iso"] = web_server.file(offered("older"))
    staged = make_images(force=True).stage(deadline)
    assert staged is not None
    assert staged.after.version == "18.9.9"


@pytest.mark.parametrize("content", [None, b"<html>the original took this for an image</html>"])
def test_where_there_is_no_usable_image_any_one_is_newer(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    content: bytes | None,
) -> None:
    if content:
        put(destination, content)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    staged = make_images().stage(deadline)
    assert staged is not None
    assert staged.before is None
    staged.swap_in()
    assert destination.read_bytes() == ISO


def test_a_failed_stage_changes_nothing(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    put(destination, ISO)
    server.pages["/boot2docker.iso"] = web_server.file(offered("newer")[:-2048])
    with pytest.raises(DownloadError, match="truncated"):
        make_images().stage(deadline)
    assert destination.read_bytes() == ISO
    assert not list(destination.parent.glob("*.new*"))


def test_a_copy_ends_at_the_deadline(make_images: MakeImages, source: Path) -> None:
    clock = FakeClock()

    def let_time_pass(_progress: object) -> None:
        clock.sleep(3600)

    with pytest.raises(DeadlineError):
        make_images(str(source), on_progress=let_time_pass).fetch(Deadline(600, clock))
