"""What tests of images share: a server, a place for the image, time that passes in pauses only."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest

from boot2docker_py.image import ImageRequest, Images
from boot2docker_py.wait import Deadline
from tests.fakes import FakeClock
from tests.unit.image import web_server

_NETWORK_VARIABLES = (
    "http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR GITHUB_TOKEN "
    "GH_ENTERPRISE_TOKEN GITHUB_API_URL"
).split()

MakeImages = Callable[..., Images]


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _NETWORK_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[web_server.Server]:
    """Return a server with no pages yet."""
    with web_server.run() as server:
        yield server


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Return where the image goes: a folder that is not there yet, with a difficult name."""
    return tmp_path / "Jürgen Müller" / "boot2docker.iso"


@pytest.fixture
def deadline() -> Deadline:
    """Return ten minutes that pass in pauses only."""
    return Deadline(600, FakeClock())


@pytest.fixture
def make_images(server: web_server.Server, destination: Path) -> MakeImages:
    """Return images from the server's usual address, or as the arguments say."""

    def make(url: str = "", **options: object) -> Images:
        on_progress = options.pop("on_progress", lambda _progress: None)
        options = {"destination": destination, "stall_s": 5.0, **options}
        request = ImageRequest(url=url or server.url(), **options)  # type: ignore[arg-type]
        return Images(request, on_progress)  # type: ignore[arg-type]

    return make
