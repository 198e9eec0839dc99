"""Checksums are found in the forms that people publish, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from boot2docker_py.errors import DownloadError, UsageError
from boot2docker_py.image import checksums
from boot2docker_py.image.checksums import Checksum

SHA256 = hashlib.sha256(b"image").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
SHA512 = hashlib.sha512(b"image").hexdigest()
NAME = "boot2docker.iso"

# The form of the official notes since 18.09 (files/make-b2d-iso.sh writes sums.md).
NOTES = f"""\
- Docker: [v19.03.12](https://example.com)\r
\r
```console\r
$ sha512sum boot2docker.iso\r
{SHA512}  boot2docker.iso\r
\r
$ sha256sum boot2docker.iso\r
{SHA256}  boot2docker.iso\r
\r
$ sha1sum boot2docker.iso\r
{hashlib.sha1(b"image").hexdigest()}  boot2docker.iso\r
$ md5sum boot2docker.iso\r
{hashlib.md5(b"image").hexdigest()}  boot2docker.iso\r
```\r
"""


def test_the_notes_of_a_release_give_its_sha256() -> None:
    assert checksums.named(NOTES, NAME, "notes") == Checksum("sha256", SHA256, "notes")


def test_sha512_serves_where_it_stands_alone() -> None:
    notes = NOTES.replace(SHA256, "(lost)")
    assert checksums.named(notes, NAME, "notes") == Checksum("sha512", SHA512, "notes")


def test_notes_about_other_files_give_nothing() -> None:
    assert checksums.named(f"{SHA256}  docker.tgz\n", NAME, "notes") is None
    assert checksums.named("No checksums here.", NAME, "notes") is None
    assert checksums.named(f"commit {SHA256[:40]}  boot2docker.iso", NAME, "notes") is None


@pytest.mark.parametrize(
    "text",
    [
        f"{SHA256}  {NAME}\n",
        f"{SHA256} *{NAME}\r\n",
        f"{SHA256.upper()}  ./build/{NAME}",
        f"{SHA256}\n",
        f"SHA256 ({NAME}) = {SHA256}\n",
        f"{SHA256}  renamed-by-the-mirror.iso\n",
        f"{OTHER}  docker.tgz\n{SHA256}  {NAME}\n",
    ],
)
def test_a_checksum_file_is_read_in_every_usual_form(text: str) -> None:
    assert checksums.beside(text, NAME, "file") == Checksum("sha256", SHA256, "file")


@pytest.mark.parametrize(
    "text", ["", "<html>not found</html>", f"{OTHER}  one\n{SHA256}  two\n", SHA256 + "0"]
)
def test_a_checksum_file_that_does_not_speak_of_the_image_gives_nothing(text: str) -> None:
    assert checksums.beside(text, NAME, "file") is None


@pytest.mark.parametrize("text", [SHA256, SHA256.upper(), f"sha256:{SHA256}", f" {SHA256}\n"])
def test_a_checksum_may_be_given_as_it_is_copied(text: str) -> None:
    assert checksums.given(text).hexdigest == SHA256


@pytest.mark.parametrize("text", ["abc", SHA256[:-1], SHA256 + "0", "z" * 64, SHA512])
def test_what_is_no_sha256_is_a_mistake_of_usage(text: str) -> None:
    with pytest.raises(UsageError, match="no SHA-256"):
        checksums.given(text)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_flipped_bit_is_noticed_and_both_digests_are_told(tmp_path: Path, algorithm: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"image")
    expected = Checksum(algorithm, hashlib.new(algorithm, b"image").hexdigest(), "the notes")
    checksums.demand(path, expected, checksums.hash_file(path), "there")
    path.write_bytes(b"imagf")
    with pytest.raises(DownloadError, match="from 'there'") as caught:
        checksums.demand(path, expected, checksums.hash_file(path), "there")
    assert expected.hexdigest in caught.value.details
    assert checksums.hash_file(path, algorithm) in caught.value.details
    assert "the notes" in caught.value.details
