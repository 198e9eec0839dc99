"""`--iso-url` is understood for what it is, on Windows too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError, UsageError
from boot2docker_py.image import sources
from boot2docker_py.image.sources import Kind
from boot2docker_py.wait import Deadline
from tests.unit.image.conftest import MakeImages


@pytest.mark.parametrize(
    ("text", "kind", "origin"),
    [
        (
            "https://api.github.com/repos/boot2docker/boot2docker/releases",
            Kind.RELEASES,
            "github.com/boot2docker/boot2docker",
        ),
        (
            "https://ghe.example:8443/api/v3/repos/tools/b2d/releases?per_page=5",
            Kind.RELEASES,
            "ghe.example:8443/tools/b2d",
        ),
        ("https://api.github.com/repos/a/b/releases/latest", Kind.RELEASES, "github.com/a/b"),
        ("https://api.github.com/repos/a/b/releases/tags/v1", Kind.RELEASES, "github.com/a/b"),
        ("https://github.com/a/b/releases/download/v1/boot2docker.iso", Kind.URL, "github.com"),
        ("HTTP://mirror.example/boot2docker.iso?x=1", Kind.URL, "mirror.example"),
        ("./boot2docker.iso", Kind.FILE, "./boot2docker.iso"),
        ("/srv/with space/böot.iso", Kind.FILE, "/srv/with space/böot.iso"),
        (r"C:\Users\me\boot2docker.iso", Kind.FILE, r"C:\Users\me\boot2docker.iso"),
        (r"\\server\share\boot2docker.iso", Kind.FILE, r"\\server\share\boot2docker.iso"),
        ("file:///srv/boot2docker.iso", Kind.FILE, "file:///srv/boot2docker.iso"),
    ],
)
def test_a_source_is_recognised(text: str, kind: Kind, origin: str) -> None:
    source = sources.parse(text)
    assert (source.kind, source.origin) == (kind, origin)


@pytest.mark.parametrize(
    "text", ["", "  ", "ftp://host/x.iso", "https://", "http://host:port/", "http://[::1/x"]
)
def test_anything_else_is_a_mistake_of_usage(text: str) -> None:
    with pytest.raises(UsageError, match="no image can be fetched"):
        sources.parse(text)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///srv/a%20b.iso", "/srv/a b.iso"),
        ("file://localhost/srv/x.iso", "/srv/x.iso"),
        ("file:/srv/x.iso", "/srv/x.iso"),
        ("file:x.iso", "x.iso"),
    ],
)
def test_a_file_url_names_a_path(url: str, path: str) -> None:
    assert sources.path_of_file_url(url, is_windows=False) == path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///C:/Users/J%C3%BCrgen/x.iso", r"C:\Users\Jürgen\x.iso"),
        ("file:///C|/x.iso", r"C:\x.iso"),
        ("file://C:/x.iso", r"C:\x.iso"),
        ("file://server/share/x.iso", r"\\server\share\x.iso"),
        ("file://localhost/C:/x.iso", r"C:\x.iso"),
    ],
)
def test_a_file_url_names_a_path_of_windows(url: str, path: str) -> None:
    assert sources.path_of_file_url(url, is_windows=True) == path


def test_a_file_url_of_another_computer_is_refused_where_paths_cannot_name_it() -> None:
    with pytest.raises(UsageError) as caught:
        sources.path_of_file_url("file://server/share/x.iso", is_windows=False)
    assert "file:///PATH" in caught.value.details


def test_passwords_are_not_shown() -> None:
    assert sources.without_password("https://me:secret@host/x@y") == "https://host/x@y"
    assert sources.without_password("/home/me@work/x.iso") == "/home/me@work/x.iso"


@pytest.mark.parametrize("text", ["file://[/x", "https://u@h[/", "http://[::1/x", "https://h:x/"])
def test_what_is_no_address_is_the_users_mistake(text: str) -> None:
    with pytest.raises(UsageError, match="no image can be fetched"):
        sources.parse(text)


def test_a_folder_is_no_image(tmp_path: Path, make_images: MakeImages, deadline: Deadline) -> None:
    with pytest.raises(DownloadError, match="is a folder") as caught:
        make_images(str(tmp_path)).fetch(deadline)
    assert f"--iso-url '{tmp_path / 'boot2docker.iso'}'" in caught.value.resolution


@pytest.mark.skipif(os.name != "posix", reason="needs FIFOs")
def test_a_pipe_is_no_image(tmp_path: Path, make_images: MakeImages, deadline: Deadline) -> None:
    """It may never have a writer, and no deadline would end the wait."""
    os.mkfifo(tmp_path / "pipe.iso")
    with pytest.raises(DownloadError, match="cannot be read"):
        make_images(str(tmp_path / "pipe.iso")).fetch(deadline)
