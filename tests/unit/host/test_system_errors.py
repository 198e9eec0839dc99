"""What the errors of sockets are called."""

from __future__ import annotations

import errno

import pytest

from boot2docker_py.host import system_errors


@pytest.mark.parametrize("name", ["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EADDRINUSE"])
def test_every_error_of_a_socket_has_words(name: str) -> None:
    """On Windows these are numbers of Winsock, which os.strerror does not know."""
    words = system_errors.words(getattr(errno, name))
    assert words
    assert "unknown" not in words.lower()
    assert words == words.strip()
    assert not words.endswith(".")
