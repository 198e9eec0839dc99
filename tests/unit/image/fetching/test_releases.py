"""The releases API of GitHub and its kin: the right release, its checksum, plain errors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.image.fetching import remote
from boot2docker_py.wait import Deadline
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Request, Server

ISO = make_iso("19.03.12")
SHA256 = hashlib.sha256(ISO).hexdigest()
SHA512 = hashlib.sha512(ISO).hexdigest()
API = "/api/v3/repos/boot2docker/boot2docker/releases"
DOWNLOADS = "/boot2docker/boot2docker/releases/download"


def release(tag: str, server: Server | None = None, **fields: Any) -> dict[str, Any]:
    """Return a release as the API tells it; with an image when `server` is given."""
    assets = [{"name": "docker.tgz", "browser_download_url": "http://127.0.0.1:1/"}]
    if server:
        url = server.url(f"/assets/{tag}.iso")
        assets.append({"name": "boot2docker.iso", "browser_download_url": url})
    return {"tag_name": tag, "draft": False, "prerelease": False, "assets": assets, **fields}


def test_the_first_published_release_with_an_image_is_taken(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    server.pages[API] = web_server.as_json(
        [
            release("v20.0.0", server, draft=True),
            release("v20.0.0-rc1", server, prerelease=True),
            release("v19.03.13"),
            release("v19.03.12", server),
            release("v19.03.11", server),
        ]
    )
    server.pages["/assets/v19.03.12.iso"] = web_server.file(ISO)
    images = make_images(server.url(API))
    newest = images.offer(deadline).release
    assert newest.version == "19.03.12"
    assert newest.origin == f"127.0.0.1:{server.port}/boot2docker/boot2docker"
    assert images.fetch(deadline).version == "19.03.12"
    assert destination.read_bytes() == ISO


def test_without_a_list_of_assets_the_usual_address_is_taken(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    """The original knew nothing of assets, and mirrors of the API may not list them."""
    server.pages[API] = web_server.as_json([{"tag_name": "v19.03.12"}])
    server.pages[f"{DOWNLOADS}/v19.03.12/boot2docker.iso"] = web_server.file(ISO)
    make_images(server.url(API)).fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_single_release_is_understood(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages[f"{API}/latest"] = web_server.as_json(release("v19.03.12", server))
    assert make_images(server.url(f"{API}/latest")).offer(deadline).release.version == "19.03.12"


NOTES = "Changes\r\n\r\n```console\r\n$ {0}sum boot2docker.iso\r\n{1}  boot2docker.iso\r\n```\r\n"


@pytest.mark.parametrize(
    "notes",
    [NOTES.format("sha256", SHA256), NOTES.format("sha512", SHA512)],
    ids=str.split("256 512"),
)
def test_the_checksum_in_the_notes_is_held_to(
    server: Server, make_images: MakeImages, destination: Path, deadline: Deadline, notes: str
) -> None:
    server.pages[API] = web_server.as_json([release("v19.03.12", server, body=notes)])
    server.pages["/assets/v19.03.12.iso"] = web_server.file(make_iso("19.03.12", filling=1))
    with pytest.raises(DownloadError, match="checksum is wrong") as caught:
        make_images(server.url(API)).fetch(deadline)
    assert "the notes of release v19.03.12" in caught.value.details
    assert not destination.exists()
    server.pages["/assets/v19.03.12.iso"] = web_server.file(ISO)
    assert make_images(server.url(API)).fetch(deadline).sha256 == SHA256


def test_the_checksum_of_the_user_comes_before_that_of_the_notes(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    notes = NOTES.format("sha256", SHA256)
    server.pages[API] = web_server.as_json([release("v19.03.12", server, body=notes)])
    server.pages["/assets/v19.03.12.iso"] = web_server.file(ISO)
    with pytest.raises(DownloadError, match="checksum is wrong") as caught:
        make_images(server.url(API), sha256="0" * 64).fetch(deadline)
    assert "--sha256" in caught.value.details


def test_the_digest_of_the_asset_is_held_to(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    listed = release("v19.03.12", server)
    listed["assets"][1]["digest"] = "sha256:" + "0" * 64
    server.pages[API] = web_server.as_json([listed])
    server.pages["/assets/v19.03.12.iso"] = web_server.file(ISO)
    with pytest.raises(DownloadError, match="checksum is wrong"):
        make_images(server.url(API)).fetch(deadline)


@pytest.mark.parametrize(
    "page",
    [
        web_server.text(200, "<html>log in</html>"),
        web_server.text(200, "[{"),
        web_server.as_json({"message": "moved"}),
        web_server.as_json([{"name": "no tag"}]),
        web_server.as_json("releases"),
        web_server.as_json([1, 2]),
        web_server.as_json([{"tag_name": 7}]),
    ],
)
def test_what_is_no_list_of_releases_is_shown_as_it_is(
    server: Server, make_images: MakeImages, deadline: Deadline, page: web_server.Page
) -> None:
    server.pages[API] = page
    with pytest.raises(DownloadError, match="cannot be read") as caught:
        make_images(server.url(API)).fetch(deadline)
    assert "It begins with: " in caught.value.details


@pytest.mark.parametrize("listed", [[], [{"tag_name": "v1", "assets": []}]])
def test_a_list_without_an_image_is_an_error(
    server: Server, make_images: MakeImages, deadline: Deadline, listed: list[Any]
) -> None:
    server.pages[API] = web_server.as_json(listed)
    with pytest.raises(DownloadError, match="has a boot2docker.iso"):
        make_images(server.url(API)).offer(deadline)


@pytest.mark.parametrize("status", [403, 429])
def test_the_rate_limit_is_explained_and_not_waited_for(
    server: Server, make_images: MakeImages, deadline: Deadline, status: int
) -> None:
    message = {"message": "API rate limit exceeded for 192.0.2.1."}
    limits = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1767225600"}
    server.pages[API] = web_server.as_json(message, status, **limits)
    with pytest.raises(
        DownloadError, match=r"until \d\d:\d\d: its rate limit is used up"
    ) as caught:
        make_images(server.url(API)).offer(deadline)
    assert "192.0.2.1" in caught.value.details
    assert "GITHUB_TOKEN" in caught.value.resolution
    assert "--iso-url" in caught.value.resolution
    assert deadline.remaining_s() == 600


def test_the_token_goes_to_the_api_and_to_nobody_else(
    server: Server, make_images: MakeImages, deadline: Deadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image may lie on another host; the API may redirect there, too."""
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "t0ken")
    monkeypatch.setenv("GITHUB_API_URL", server.url("/api/v3"))
    seen: list[str | None] = []
    with web_server.run() as other:

        def api(request: Request) -> None:
            is_known = request.headers.get("Authorization") == "Bearer t0ken"
            limited = web_server.as_json({}, 403, X_RateLimit_Remaining="0")
            (web_server.as_json([release("v1", other)]) if is_known else limited)(request)

        def image(request: Request) -> None:
            seen.append(request.headers.get("Authorization"))
            web_server.file(ISO)(request)

        server.pages[API] = api
        other.pages["/assets/v1.iso"] = image
        make_images(server.url(API)).fetch(deadline)

        def moved_list(request: Request) -> None:
            seen.append(request.headers.get("Authorization"))
            web_server.as_json([release("v1", other)])(request)

        server.pages[API] = web_server.redirect(other.url("/list"))
        other.pages["/list"] = moved_list
        make_images(server.url(API)).offer(deadline)
    assert seen == [None, None]


def test_a_wrong_token_is_named(
    server: Server, make_images: MakeImages, deadline: Deadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "wrong")
    monkeypatch.setenv("GITHUB_API_URL", server.url("/api/v3"))
    server.pages[API] = web_server.as_json({"message": "Bad credentials"}, 401)
    with pytest.raises(DownloadError, match="does not accept the token in GH_ENTERPRISE_TOKEN"):
        make_images(server.url(API)).offer(deadline)


RELEASES = "/repos/a/b/releases"


@pytest.mark.parametrize(
    ("address", "variable"),
    [
        ("https://api.github.com", "GITHUB_TOKEN"),
        ("https://API.GitHub.com", "GITHUB_TOKEN"),
        ("http://api.github.com", ""),
        ("https://api.github.com.evil.example", ""),
        ("https://api.github.com:444", ""),
        ("https://api.github.com@evil.example", ""),
        ("https://evil.example", ""),
        ("https://ghe.example/api/v3", "GH_ENTERPRISE_TOKEN"),
        ("http://ghe.example/api/v3", ""),
        ("https://ghe.example:8443/api/v3", ""),
    ],
)
def test_each_token_is_for_one_host_and_does_not_travel_in_the_clear(
    address: str, variable: str
) -> None:
    environ = {
        "GITHUB_TOKEN": "hub",
        "GH_ENTERPRISE_TOKEN": "enterprise",
        "GITHUB_API_URL": "https://ghe.example/api/v3",
    }
    assert remote.find_token(address + RELEASES, environ) == (variable, environ.get(variable, ""))
    for name in ("GITHUB_API_URL", "GH_ENTERPRISE_TOKEN"):
        less = {key: value for key, value in environ.items() if key != name}
        found, _token = remote.find_token("https://ghe.example/api/v3" + RELEASES, less)
        assert found == ""


@pytest.mark.parametrize("tag", ["\ud800", "v9\x1b]0;x\x07", "v" * 300, 5, None])
def test_a_tag_that_is_none(
    server: Server, make_images: MakeImages, deadline: Deadline, tag: object
) -> None:
    server.pages[API] = web_server.as_json([{**release("v1", server), "tag_name": tag}])
    with pytest.raises(DownloadError, match="cannot be read"):
        make_images(server.url(API)).offer(deadline)


def test_a_list_that_is_nested_too_deeply(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages[API] = web_server.text(200, "[" * 100_000)
    with pytest.raises(DownloadError, match="cannot be read"):
        make_images(server.url(API)).offer(deadline)


def test_an_api_in_trouble_is_asked_again(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    good = web_server.as_json([release("v19.03.12", server)])
    server.pages[API] = web_server.in_turn(web_server.text(502, "<html>bad gateway</html>"), good)
    assert make_images(server.url(API)).offer(deadline).release.version == "19.03.12"


def test_a_list_without_end_is_not_read_to_the_end(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages[API] = web_server.text(200, "[" + " " * 9_000_000 + "]")
    with pytest.raises(DownloadError, match="too many bytes"):
        make_images(server.url(API)).offer(deadline)
