"""A download that was cut goes on where it stopped, and only with the same file."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.image import DownloadProgress, Image
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Request, Server

ISO = make_iso()
OTHER_ISO = make_iso(filling=1)
SHA256 = hashlib.sha256(ISO).hexdigest()
CUT_AT = 150_000


def leave_partial(server: Server, make_images: MakeImages, content: bytes = ISO) -> None:
    """Let a run end early, with some bytes received."""
    cut = web_server.file(content, cut_at=CUT_AT)
    server.pages["/boot2docker.iso"] = web_server.in_turn(cut, web_server.text(404, "gone"))
    with pytest.raises(DownloadError, match="404"):
        make_images().fetch(Deadline(600, FakeClock()))
    server.sent_bytes = 0


def test_a_cut_is_healed_with_the_missing_bytes_alone(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    cut = web_server.file(ISO, cut_at=CUT_AT)
    server.pages["/boot2docker.iso"] = web_server.in_turn(cut, web_server.file(ISO))
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == len(ISO)


def test_many_cuts_are_healed_as_long_as_bytes_come(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    cuts = [web_server.file(ISO, cut_at=at) for at in range(40_000, len(ISO), 40_000)]
    server.pages["/boot2docker.iso"] = web_server.in_turn(*cuts, web_server.file(ISO))
    make_images().fetch(deadline)
    assert len(cuts) > 8
    assert destination.read_bytes() == ISO


def test_a_later_run_goes_on_and_progress_says_so(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    seen: list[DownloadProgress] = []
    make_images(on_progress=seen.append).fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == len(ISO) - CUT_AT
    assert seen[0].received_bytes == CUT_AT


def test_a_server_without_ranges_starts_anew(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images)
    server.pages["/boot2docker.iso"] = web_server.file_without_ranges(ISO)
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_file_that_changed_meanwhile_starts_anew(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images, OTHER_ISO)
    server.pages["/boot2docker.iso"] = web_server.file(ISO, etag='"2"')
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_server_that_names_the_version_only_at_first_is_still_asked_for_the_same_file(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images, OTHER_ISO)

    def page(request: Request) -> None:
        if "Range" in request.headers and request.headers.get("If-Range", '"2"') == '"2"':
            request.reply(206, ISO[CUT_AT:], Content_Range=f"bytes {CUT_AT}-409599/409600")
        else:
            request.reply(200, ISO)

    server.pages["/boot2docker.iso"] = page
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def careless(content: bytes, etag: str, total: str = "") -> web_server.Page:
    """Answer ranges without looking at If-Range, as simple servers do."""

    def page(request: Request) -> None:
        asked = request.headers.get("Range")
        if not asked:
            request.reply(200, content, ETag=etag)
            return
        offset = int(asked[len("bytes=") : -1])
        content_range = f"bytes {offset}-{len(content) - 1}/{total or len(content)}"
        request.reply(206, content[offset:], ETag=etag, Content_Range=content_range)

    return page


@pytest.mark.parametrize(
    "page",
    [careless(ISO, etag='"2"'), careless(ISO, etag='"1"', total="7777")],
    ids=["another ETag", "another length"],
)
def test_the_rest_of_another_file_is_not_taken(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    page: web_server.Page,
) -> None:
    leave_partial(server, make_images, OTHER_ISO)
    server.pages["/boot2docker.iso"] = page
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_another_part_than_asked_for_is_not_taken(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images)

    def page(request: Request) -> None:
        if "Range" not in request.headers:
            request.reply(200, ISO, ETag='"1"')
            return
        begin = CUT_AT + 1000
        content_range = f"bytes {begin}-{len(ISO) - 1}/{len(ISO)}"
        request.reply(206, ISO[begin:], ETag='"1"', Content_Range=content_range)

    server.pages["/boot2docker.iso"] = page
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_server_that_gives_small_parts_is_asked_for_the_next_one(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images)

    def page(request: Request) -> None:
        begin = int(request.headers["Range"][len("bytes=") : -1])
        part = ISO[begin : begin + 50_000]
        content_range = f"bytes {begin}-{begin + len(part) - 1}/{len(ISO)}"
        request.reply(206, part, ETag='"1"', Content_Range=content_range)

    server.pages["/boot2docker.iso"] = page
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_part_nobody_asked_for_ends_in_an_error(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    def page(request: Request) -> None:
        request.reply(206, ISO[:1000], Content_Range=f"bytes 0-999/{len(ISO)}")

    server.pages["/boot2docker.iso"] = page
    with pytest.raises(DownloadError):
        make_images().fetch(deadline)


def test_a_login_page_does_not_destroy_what_was_received(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """A hotel's network answers 200 with its own page, until the guest has logged in."""
    leave_partial(server, make_images)
    server.pages["/boot2docker.iso"] = web_server.text(200, "<html>Welcome!</html>")
    with pytest.raises(DownloadError, match="web page"):
        make_images().fetch(deadline)
    server.sent_bytes = 0
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert server.sent_bytes == len(ISO) - CUT_AT


def test_the_partial_download_of_another_address_is_dropped(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images, OTHER_ISO)
    server.pages["/other.iso"] = web_server.file(ISO)
    make_images(server.url("/other.iso")).fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == len(ISO)


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}], ids=["nothing", "weak ETag"])
def test_without_a_name_for_the_version_of_the_file_a_download_starts_anew(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    headers: dict[str, str],
) -> None:
    """A weak ETag is the same for files that differ in bytes (RFC 9110, 8.8.1)."""

    def cut(request: Request) -> None:
        request.start(200, len(OTHER_ISO), **headers)
        request.send(OTHER_ISO[:CUT_AT])
        request.cut()

    server.pages["/boot2docker.iso"] = web_server.in_turn(
        cut, careless(ISO, etag=headers.get("ETag", ""))
    )
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_partial_download_damaged_on_the_disk_heals(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """A computer that lost its power may keep zeros where bytes were."""
    leave_partial(server, make_images)
    partial = destination.parent / "boot2docker.iso.download"
    content = bytearray(partial.read_bytes())
    content[100_000:120_000] = bytes(20_000)
    partial.write_bytes(content)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images(sha256=SHA256).fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_whole_download_that_was_not_put_in_place_is_not_fetched_again(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """Killed between the last byte and the renaming; also Windows, where a VM holds the file."""
    leave_partial(server, make_images)
    (destination.parent / "boot2docker.iso.download").write_bytes(ISO)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == 1


def test_a_partial_download_longer_than_the_image_starts_anew(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images)
    (destination.parent / "boot2docker.iso.download").write_bytes(OTHER_ISO + b"more")
    server.pages["/boot2docker.iso"] = web_server.file(ISO, etag='"2"')
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_damaged_note_starts_anew(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    leave_partial(server, make_images, OTHER_ISO)
    (destination.parent / "boot2docker.iso.download.json").write_text("[{")
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


FETCH = """
import sys
from pathlib import Path
from boot2docker_py.image import ImageRequest, Images
from boot2docker_py.wait import Deadline
Images(ImageRequest(url=sys.argv[1], destination=Path(sys.argv[2]))).fetch(Deadline(60))
"""


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_killed_download_leaves_no_image_and_goes_on_later(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline, how: str
) -> None:
    server.pages["/boot2docker.iso"] = web_server.stalling(ISO, at=CUT_AT)
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, server.url(), str(destination)], stderr=subprocess.PIPE
    )
    partial = destination.parent / "boot2docker.iso.download"
    _wait_until(lambda: partial.exists() and partial.stat().st_size == CUT_AT)
    process.send_signal(getattr(signal, how))
    process.communicate()
    assert not destination.exists()
    server.sent_bytes = 0
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == len(ISO) - CUT_AT


def test_two_at_once_do_not_mix_their_bytes(
    server: Server, make_images: MakeImages, destination: Path
) -> None:
    """Each one's bytes come slowly, and are another image's."""

    def slow(content: bytes) -> web_server.Page:
        def page(request: Request) -> None:
            request.start(200, len(content), ETag='"1"')
            for at in range(0, len(content), 40_000):
                request.send(content[at : at + 40_000])
                time.sleep(0.01)

        return page

    server.pages["/one.iso"] = slow(ISO)
    server.pages["/two.iso"] = slow(OTHER_ISO)

    def fetch(name: str) -> Image:
        return make_images(server.url(f"/{name}.iso")).fetch(Deadline(60))

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(fetch, ["one", "two"])
    assert one.sha256 == SHA256
    assert two.sha256 == hashlib.sha256(OTHER_ISO).hexdigest()
    assert destination.read_bytes() in (ISO, OTHER_ISO)


def test_the_second_of_two_takes_what_the_first_one_fetched(
    server: Server, make_images: MakeImages, destination: Path
) -> None:
    may_go_on = threading.Event()

    def page(request: Request) -> None:
        may_go_on.wait()
        web_server.file(ISO)(request)

    server.pages["/boot2docker.iso"] = page
    images = make_images(sha256=SHA256)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(images.fetch, Deadline(60)) for _ in range(2)]
        _wait_until(lambda: bool(server.asked))
        may_go_on.set()
        assert {future.result().sha256 for future in both} == {SHA256}
    assert server.sent_bytes == len(ISO)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
