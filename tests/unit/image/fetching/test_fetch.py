"""Fetching over HTTP: the image in place is whole and verified, whatever the server does."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import socket
from pathlib import Path

import pytest
import requests

from boot2docker_py.errors import DeadlineError, DownloadError, StorageError, UsageError
from boot2docker_py.image import DownloadProgress, Image
from boot2docker_py.image.fetching import download, web_errors
from boot2docker_py.wait import Deadline
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Request, Server

ISO = make_iso()
OLD_ISO = make_iso("1.8.0")
SHA256 = hashlib.sha256(ISO).hexdigest()
FLIPPED = ISO[:300_000] + bytes([ISO[300_000] ^ 1]) + ISO[300_001:]


@pytest.fixture
def old(destination: Path) -> Path:
    """Put an older image in place, which no failure may touch."""
    destination.parent.mkdir(parents=True)
    destination.write_bytes(OLD_ISO)
    return destination


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_an_image_is_fetched_and_described(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    image = make_images().fetch(deadline)
    assert image == Image(
        path=destination,
        version="26.1.5-20261101",
        volume_id="b2d-v26.1.5-20261101",
        sha256=SHA256,
        size_bytes=len(ISO),
        source=server.url(),
    )
    assert destination.read_bytes() == ISO
    assert names_in(destination.parent) == {"boot2docker.iso", "boot2docker.iso.json"}


def test_progress_ends_with_all_the_bytes(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    seen: list[DownloadProgress] = []
    make_images(on_progress=seen.append).fetch(deadline)
    received = [progress.received_bytes for progress in seen]
    assert received == sorted(received)
    assert (received[0], received[-1]) == (0, len(ISO))
    assert {progress.total_bytes for progress in seen} == {len(ISO)}


def test_a_server_that_does_not_tell_the_length_is_fine(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.chunked(ISO)
    seen: list[DownloadProgress] = []
    make_images(on_progress=seen.append).fetch(deadline)
    assert destination.read_bytes() == ISO
    assert seen[-1].total_bytes is None


def test_a_compressed_answer_is_refused(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """A few hundred bytes of it can become all of the memory, or all of the disk."""
    packed = gzip.compress(gzip.compress(bytes(50_000_000)))
    for encoding in ("gzip", "gzip, gzip", "deflate", "br"):

        def page(request: Request, encoding: str = encoding) -> None:
            request.reply(200, packed, Content_Encoding=encoding, ETag='"1"')

        server.pages["/boot2docker.iso"] = page
        with pytest.raises(DownloadError, match="sent compressed"):
            make_images().fetch(deadline)
    assert not destination.exists()


def test_an_image_without_end_is_given_up(
    server: Server,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "MOST_BYTES", 300_000)
    endless = make_iso() + bytes(1_000_000)
    for page in (web_server.chunked(endless), web_server.file(endless)):
        server.pages["/boot2docker.iso"] = page
        with pytest.raises(DownloadError, match="too large"):
            make_images().fetch(deadline)
    kept = [path for path in destination.parent.glob("*") if path.suffix != ".lock"]
    assert sum(path.stat().st_size for path in kept) == 0


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000, "-1", "1e9", "0x10", "1 0"])
def test_a_length_that_is_none(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline, length: str
) -> None:
    """http.client ignores it as well; what counts is that it is no defect of ours."""

    def page(request: Request) -> None:
        request.send_response_only(200)
        request.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + length.encode("utf-8", "replace")
        )
        request.wfile.write(b"\r\nConnection: close\r\n\r\n" + ISO)
        request.close_connection = True

    server.pages["/boot2docker.iso"] = page
    with contextlib.suppress(DownloadError, DeadlineError):
        make_images().fetch(deadline)


HTTP_MIRROR = "http://mirror.example/plain.iso"


class TestPlainHTTP:
    """The server plays a proxy: what is asked of it is on the net."""

    @pytest.fixture(autouse=True)
    def _on_the_net(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", server.url(""))
        server.pages[HTTP_MIRROR] = web_server.file(ISO)

    def test_without_a_digest_it_is_refused(
        self, make_images: MakeImages, destination: Path, deadline: Deadline
    ) -> None:
        with pytest.raises(DownloadError, match="nothing proves") as caught:
            make_images(HTTP_MIRROR).fetch(deadline)
        assert "--sha256" in caught.value.resolution
        assert not destination.exists()

    def test_a_digest_that_came_the_same_way_proves_nothing(
        self, server: Server, make_images: MakeImages, deadline: Deadline
    ) -> None:
        digest = hashlib.sha256(ISO).hexdigest()
        server.pages[HTTP_MIRROR + ".sha256"] = web_server.text(200, f"{digest}  plain.iso\n")
        with pytest.raises(DownloadError, match="nothing proves") as caught:
            make_images(HTTP_MIRROR).fetch(deadline)
        assert digest in caught.value.details

    def test_with_a_digest_from_elsewhere_it_is_taken(
        self, make_images: MakeImages, destination: Path, deadline: Deadline
    ) -> None:
        make_images(HTTP_MIRROR, sha256=hashlib.sha256(ISO).hexdigest()).fetch(deadline)
        assert destination.read_bytes() == ISO

    def test_it_is_taken_when_the_user_says_so(
        self,
        make_images: MakeImages,
        destination: Path,
        deadline: Deadline,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        make_images(HTTP_MIRROR, allow_unverified=True).fetch(deadline)
        assert destination.read_bytes() == ISO
        assert "plain http" in caplog.text


def test_no_checksum_from_this_machine_is_said(
    server: Server, make_images: MakeImages, deadline: Deadline, caplog: pytest.LogCaptureFixture
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert "No checksum is known" in caplog.text


def test_a_server_that_likes_to_compress_is_asked_not_to(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    """A compressed answer has no length to show progress by, and cannot be resumed."""

    def page(request: Request) -> None:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            request.reply(200, gzip.compress(ISO), Content_Encoding="gzip")
        else:
            web_server.file(ISO)(request)

    server.pages["/boot2docker.iso"] = page
    seen: list[DownloadProgress] = []
    make_images(on_progress=seen.append).fetch(deadline)
    assert seen[-1].total_bytes == len(ISO)


BROKEN = {
    "web page": (web_server.text(200, "<!DOCTYPE html>Log in"), "a web page, not an image"),
    "not found": (web_server.text(404, "no"), "the server says 404"),
    "forbidden": (web_server.text(403, "no"), "the server says 403"),
    "truncated": (web_server.file(ISO[:-2048]), "is truncated"),
    "not bootable": (web_server.file(make_iso(has_boot_record=False)), "is not bootable"),
    "not an image": (web_server.file(b"\x7fELF" * 50_000), "is not an ISO 9660 image"),
    "empty": (web_server.file(b""), "is not an ISO 9660 image"),
    "cut each time": (web_server.file_without_ranges(ISO, cut_at=1000), "was cut"),
    "always 500": (web_server.text(500, "broken"), "the server says 500"),
    "redirected in a circle": (web_server.redirect("/boot2docker.iso"), "again and again"),
    "no content": (web_server.text(204, ""), "the server says 204"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_image_never_takes_its_place(
    server: Server, make_images: MakeImages, old: Path, deadline: Deadline, case: str
) -> None:
    page, words = BROKEN[case]
    server.pages["/boot2docker.iso"] = page
    with pytest.raises(DownloadError, match=words) as caught:
        make_images().fetch(deadline)
    assert caught.value.exit_status == 8
    assert caught.value.resolution
    assert "127.0.0.1" in caught.value.brief
    assert old.read_bytes() == OLD_ISO


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_is_not_asked_for_twice(
    server: Server, make_images: MakeImages, deadline: Deadline, status: int
) -> None:
    server.pages["/boot2docker.iso"] = web_server.text(status, "no")
    with pytest.raises(DownloadError, match=str(status)):
        make_images().fetch(deadline)
    assert server.asked.count("/boot2docker.iso") == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline, status: int
) -> None:
    trouble = web_server.text(status, "later")
    server.pages["/boot2docker.iso"] = web_server.in_turn(trouble, trouble, web_server.file(ISO))
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_server_that_says_when_to_come_back_is_obeyed(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    later = web_server.text(429, "later", Retry_After="120")
    server.pages["/boot2docker.iso"] = web_server.in_turn(later, web_server.file(ISO))
    make_images().fetch(deadline)
    assert destination.read_bytes() == ISO
    assert deadline.remaining_s() <= 600 - 120


def test_a_server_that_wants_more_time_than_there_is_ends_it_at_once(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.text(503, "", Retry_After="3600")
    with pytest.raises(DownloadError, match="503"):
        make_images().fetch(deadline)
    assert deadline.remaining_s() == 600


def test_no_server_at_all_is_said_before_the_deadline(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    """A user without a network must not wait ten minutes to hear so."""
    url = server.url()
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="no connection to '127.0.0.1'") as caught:
        make_images(url).fetch(deadline)
    assert "--offline" in caught.value.resolution
    assert not deadline.has_passed()


def test_a_silent_server_is_left_at_the_deadline_and_the_bytes_are_kept(
    server: Server, make_images: MakeImages, old: Path
) -> None:
    server.pages["/boot2docker.iso"] = web_server.stalling(ISO, at=100_000)
    with pytest.raises(DeadlineError) as caught:
        make_images(stall_s=60.0).fetch(Deadline(2))
    assert "silent" in caught.value.details
    assert old.read_bytes() == OLD_ISO
    assert (old.parent / "boot2docker.iso.download").read_bytes() == ISO[:100_000]


def test_a_server_that_falls_silent_late_is_left_at_the_deadline_too(
    server: Server, make_images: MakeImages, destination: Path
) -> None:
    """The limit of a read is what is left of the deadline, not what was left at the beginning."""

    def page(request: Request) -> None:
        request.start(200, len(ISO), ETag='"1"')
        for part in (ISO[:1000], ISO[1000:2000], ISO[2000:]):
            request.send(part)
            request.server.is_closing.wait(1.4)

    server.pages["/boot2docker.iso"] = page
    with pytest.raises(DeadlineError):
        make_images(stall_s=60.0).fetch(Deadline(2))
    assert (destination.parent / "boot2docker.iso.download").stat().st_size <= 2000


def test_a_silent_server_is_asked_anew(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    silent = web_server.stalling(ISO, at=100_000)
    server.pages["/boot2docker.iso"] = web_server.in_turn(silent, web_server.file(ISO))
    make_images(stall_s=0.2).fetch(deadline)
    assert destination.read_bytes() == ISO
    assert server.sent_bytes == len(ISO)


def test_a_checksum_beside_the_image_is_held_to(
    server: Server, make_images: MakeImages, old: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(FLIPPED)
    server.pages["/boot2docker.iso.sha256"] = web_server.text(200, f"{SHA256}  boot2docker.iso\n")
    with pytest.raises(DownloadError, match="checksum is wrong") as caught:
        make_images().fetch(deadline)
    assert server.url("/boot2docker.iso.sha256") in caught.value.details
    assert old.read_bytes() == OLD_ISO
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    assert make_images().fetch(deadline).sha256 == SHA256


def test_the_checksum_of_the_user_comes_before_the_one_beside(
    server: Server, make_images: MakeImages, old: Path, deadline: Deadline
) -> None:
    flipped_sha256 = hashlib.sha256(FLIPPED).hexdigest()
    server.pages["/boot2docker.iso"] = web_server.file(FLIPPED)
    server.pages["/boot2docker.iso.sha256"] = web_server.text(200, flipped_sha256)
    with pytest.raises(DownloadError, match="checksum is wrong") as caught:
        make_images(sha256=SHA256).fetch(deadline)
    assert "--sha256" in caught.value.details
    assert old.read_bytes() == OLD_ISO


def test_a_web_page_in_place_of_the_checksum_is_as_good_as_none(
    server: Server, make_images: MakeImages, deadline: Deadline, caplog: pytest.LogCaptureFixture
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    server.pages["/boot2docker.iso.sha256"] = web_server.text(200, "<html>not here</html>")
    assert make_images().fetch(deadline).sha256 == SHA256
    assert "No checksum" in caplog.text


def test_a_query_stays_behind_the_name_of_the_checksum_file(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso?key=1"] = web_server.file(FLIPPED)
    server.pages["/boot2docker.iso.sha256?key=1"] = web_server.text(200, SHA256)
    with pytest.raises(DownloadError, match="checksum is wrong"):
        make_images(server.url("/boot2docker.iso?key=1")).fetch(deadline)


def test_an_image_that_is_in_place_already_is_not_fetched_again(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images(sha256=SHA256).fetch(deadline)
    server.pages["/boot2docker.iso"] = web_server.text(500, "must not be asked")
    assert make_images(sha256=SHA256).fetch(deadline).path == destination


def test_force_fetches_what_is_in_place_already(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    make_images(sha256=SHA256).fetch(deadline)
    make_images(sha256=SHA256, force=True).fetch(deadline)
    assert server.sent_bytes >= 2 * len(ISO)


def test_a_redirect_is_followed(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.redirect("/elsewhere.iso")
    server.pages["/elsewhere.iso"] = web_server.file(ISO)
    image = make_images().fetch(deadline)
    assert destination.read_bytes() == ISO
    assert image.source == server.url()


def test_a_redirect_to_something_else_than_http_is_refused(
    server: Server, make_images: MakeImages, tmp_path: Path, deadline: Deadline
) -> None:
    (tmp_path / "local.iso").write_bytes(ISO)
    server.pages["/boot2docker.iso"] = web_server.redirect((tmp_path / "local.iso").as_uri())
    with pytest.raises((DownloadError, UsageError)):
        make_images().fetch(deadline)


def test_the_password_of_an_address_is_used_but_neither_shown_nor_kept(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    def page(request: Request) -> None:
        is_welcome = request.headers.get("Authorization") == "Basic bWU6c2VjcmV0"
        (web_server.file(ISO) if is_welcome else web_server.text(401, "who?"))(request)

    server.pages["/boot2docker.iso"] = page
    url = f"http://me:secret@127.0.0.1:{server.port}/boot2docker.iso"
    assert make_images(url).fetch(deadline).source == server.url()
    for path in destination.parent.iterdir():
        assert b"secret" not in path.read_bytes()
    with pytest.raises(DownloadError, match="401") as caught:
        make_images(url.replace("secret", "wrong"), force=True).fetch(deadline)
    assert "wrong" not in str(caught.value.as_dict())


def test_a_folder_that_cannot_be_written_is_named(
    server: Server, make_images: MakeImages, tmp_path: Path, deadline: Deadline
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write to '.*file'"):
        make_images(destination=tmp_path / "file" / "boot2docker.iso").fetch(deadline)


def test_a_folder_in_the_place_of_the_image_stays(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    destination.mkdir(parents=True)
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    with pytest.raises(DownloadError, match="boot2docker.iso' is a folder") as caught:
        make_images(force=True).fetch(deadline)
    assert "--iso '" in caught.value.resolution
    assert destination.is_dir()
    assert server.sent_bytes == 0  # an image takes minutes to come, and could not be used


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    "value", ["\u00b2", "9" * 30, "-1", "nan", "Sat, 01 Jan 99999 00:00:00 GMT", "x", "", "1e9"]
)
def test_a_pause_that_no_server_means(value: str) -> None:
    assert 0 <= web_errors.parse_retry_after(value, NOW) <= web_errors.LONGEST_PAUSE_S


def test_a_date_far_off_is_a_bounded_pause() -> None:
    far = "Fri, 31 Dec 9999 23:59:59 GMT"
    assert web_errors.parse_retry_after(far, NOW) == web_errors.LONGEST_PAUSE_S


@pytest.mark.parametrize("reset", ["1700000000000000", "\u00b2", "9" * 5000, "-1", "x"])
def test_a_rate_limit_with_a_time_that_is_none(reset: str) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    error = web_errors.of_status("https://h/x", 403, headers, "")
    assert "from this network:" in error.brief


def test_what_the_system_has_said_stands_without_the_words_around_it() -> None:
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    with pytest.raises(DownloadError) as caught, web_errors.translated(
        "https://host.example/", lambda _url: proxy
    ):
        requests.get("https://host.example/", proxies={"https": proxy}, timeout=60)
    assert "host.example" in caught.value.brief
    assert caught.value.details
    assert "ConnectionPool" not in caught.value.details
