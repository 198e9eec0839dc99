"""What the docker client of this machine says of itself, whatever program that is."""

from __future__ import annotations

import json

import pytest

from boot2docker_py.docker.client import can_talk, understood


def told(**client: object) -> bytes:
    return json.dumps({"Client": client}).encode()


def test_a_client_says_its_versions() -> None:
    client = understood("docker", told(Version="27.1", DefaultAPIVersion="1.46"), "")
    assert (client.version, client.newest_api, client.complaint) == ("27.1", "1.46", "")
    assert can_talk(client, "1.24", "1.46")


@pytest.mark.parametrize(
    "words",
    [b"", b"no JSON", b"[]", b"{}", b'{"Client": 1}', b"[" * 100_000, b'{"Client":' * 100_000],
    ids=["nothing", "words", "list", "empty", "number", "nested lists", "nested clients"],
)
def test_a_program_that_says_something_else(words: bytes) -> None:
    assert understood("docker", words, "").complaint == "it does not say which version it is"


@pytest.mark.parametrize("version", ["9" * 5000, "1." + "9" * 5000, "1." * 5000, 7, None, [], {}])
def test_a_version_that_is_none(version: object) -> None:
    client = understood("docker", told(Version=version, ApiVersion=version), "")
    assert (client.version, client.newest_api) == ("", "")
    assert not can_talk(client, "1.24", "1.46")
