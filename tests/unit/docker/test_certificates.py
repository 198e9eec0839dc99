"""Client certificates are tried on a TLS server before they are believed."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Iterator

import pytest

from boot2docker_py.address import Address
from boot2docker_py.docker.certificates import OutdatedError, try_on
from boot2docker_py.errors import GuestError, NetworkError
from tests.unit.listening import end_listening

P256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def issue(folder: Path, days: int, names: str) -> None:
    """Make an authority, and a certificate by it for both the server and the client."""
    ca = ["-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/O=CA", "-days", "99"]
    leaf = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/O=x", "-days", str(days)]
    leaf += ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-addext", f"subjectAltName={names}"]
    for words in (ca, leaf):
        command = ["openssl", "req", "-x509", *P256, *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


class Engine:
    """An engine that answers a ping over TLS to those who have a certificate."""

    def __init__(self, folder: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
        self.context.load_verify_locations(str(folder / "ca.pem"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address("127.0.0.1", self.listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        end_listening(self.listener, self._thread)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                with self.context.wrap_socket(plain, server_side=True) as client:
                    if client.recv(4096):
                        client.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")
            except OSError:
                plain.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    days, names = request.param
    issue(tmp_path, days, names)
    engine = Engine(tmp_path)
    yield engine
    engine.close()


@pytest.mark.parametrize("engine", [(90, "IP:127.0.0.1")], indirect=True)
class TestEngineWithGoodCertificates:
    def test_takes_its_own(self, engine: Engine, tmp_path: Path) -> None:
        try_on(tmp_path, engine.address)

    def test_client_certificate_of_another_authority_is_refused(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        issue(other, 90, "IP:127.0.0.1")
        (other / "ca.pem").write_bytes((tmp_path / "ca.pem").read_bytes())
        with pytest.raises(GuestError):
            try_on(other, engine.address)

    def test_key_of_another_certificate_is_refused(self, engine: Engine, tmp_path: Path) -> None:
        (tmp_path / "key.pem").write_bytes((tmp_path / "ca-key.pem").read_bytes())
        with pytest.raises(GuestError):
            try_on(tmp_path, engine.address)

    def test_own_one_that_ends_calls_for_a_new_one(self, engine: Engine, tmp_path: Path) -> None:
        """Though the engine's own is good for long."""
        words = [*P256, "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/O=x"]
        words += ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-days", "29"]
        command = ["openssl", "req", "-x509", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        with pytest.raises(OutdatedError, match="do not match") as caught:
            try_on(tmp_path, engine.address)
        assert caught.value.details.startswith("the client's certificate ends in")

    def test_port_that_is_closed_is_told(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(NetworkError):
            try_on(tmp_path, Address("127.0.0.1", 1))


@pytest.mark.parametrize(
    "engine", [(90, "IP:10.9.9.9"), (29, "IP:127.0.0.1")], indirect=True, ids=["address", "end"]
)
def test_other_address_and_near_end_call_for_new_ones(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(OutdatedError):
        try_on(tmp_path, engine.address)
