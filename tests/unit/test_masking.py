"""Passwords and tokens in addresses do not get into errors, logs and answers."""

from __future__ import annotations

import pytest

from boot2docker_py.errors import DownloadError
from boot2docker_py.masking import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:s3cr3t@host/x.iso", "http://host/x.iso"),
        ("https://me:s3@cr3t@host:8080/x", "https://host:8080/x"),
        ("https://s3cr3t@host/x", "https://host/x"),
        ("http:me:s3cr3t@host/x", "http:host/x"),
        ("the proxy 'socks5h://me:s3cr3t@host' fails", "the proxy 'socks5h://host' fails"),
        ("https://host/x.iso?token=s3cr3t", "https://host/x.iso?***"),
        ("https://host/x.iso?a=1&sig=s3cr3t%3D#f", "https://host/x.iso?***"),
        ("exceeded with url: /x.iso.sha256?token=s3cr3t (Caused", "exceeded with url: /x.iso.sha256?*** (Caused"),  # noqa: E501
        ("http://a:s3cr3t@b and http://c:s3cr3t@d", "http://b and http://d"),
    ],
)  # fmt: skip
def test_secrets_of_addresses(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    problem = DownloadError(text, details=text, resolution=text)
    assert "s3cr3t" not in str(problem.as_dict()) + str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "docker@127.0.0.1: no answer",
        "cannot write '/home/a@b/x'",
        "C:\\Users\\a@b\\boot2docker.iso",
        "https://host/path?",
        "is it there? x=1",
        "vm:/etc/a@b",
        "ssh -p 2022 docker@localhost",
        "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
        "port 8080: taken",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


PIECES = ["a:", "http://", "http:", "a:b@", "x?", "?=", "@", '{"a":', "a//"]


@pytest.mark.parametrize("piece", PIECES)
def test_long_texts_of_others_take_no_time(piece: str) -> None:
    """Ten times the text, ten times the work: not a hundred times."""
    assert len(without_secrets("@?" + piece * 100_000)) > 0
