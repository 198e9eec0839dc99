"""Which certificates are believed, which hosts go through a proxy, and what failures say."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Iterator

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from boot2docker_py.errors import ConfigError, DownloadError, UsageError
from boot2docker_py.image.fetching import trust, web, web_errors
from boot2docker_py.wait import Deadline
from tests.unit.image import web_server
from tests.unit.image.conftest import MakeImages
from tests.unit.image.iso_bytes import make_iso
from tests.unit.image.web_server import Server

ISO = make_iso()
NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
DAY = datetime.timedelta(days=1)
CA_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Beispiel GmbH"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Beispiel Zwischenprüfer"),
    ]
)


class Authority:
    """A company's own certificate authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(CA_NAME, self._key, -DAY, 2 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        self.pem = folder / "company ca.pem"
        self.pem.write_bytes(_to_pem(builder.sign(self._key, hashes.SHA256())))

    def context(
        self,
        name: str = "127.0.0.1",
        begin: datetime.timedelta = -DAY,
        end: datetime.timedelta = DAY,
    ) -> ssl.SSLContext:
        """Return the settings of a server that calls itself `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, key, begin, end)
            .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self._folder / "server.pem"
        path.write_bytes(private + _to_pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(path))
        return context


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begin: datetime.timedelta,
    end: datetime.timedelta,
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=CA_NAME,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW + begin,
        not_valid_after=NOW + end,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _to_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure_server(authority: Authority) -> Iterator[Server]:
    with web_server.run(authority.context()) as server:
        server.pages["/boot2docker.iso"] = web_server.file(ISO)
        yield server


def test_an_unknown_authority_is_refused_and_named(
    secure_server: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    with pytest.raises(DownloadError) as caught:
        make_images(secure_server.url()).fetch(deadline)
    assert caught.value.brief == (
        "the certificate of '127.0.0.1' is not trusted: "
        "issued by 'Beispiel Zwischenprüfer, Beispiel GmbH'"
    )
    assert "--cacert" in caught.value.resolution
    assert not destination.exists()
    assert secure_server.asked == []


def test_the_authority_given_is_trusted(
    secure_server: Server,
    authority: Authority,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
) -> None:
    make_images(secure_server.url(), cacert=authority.pem).fetch(deadline)
    assert destination.read_bytes() == ISO


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_authority_named_by_the_environment_is_trusted(
    secure_server: Server,
    authority: Authority,
    make_images: MakeImages,
    deadline: Deadline,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """OpenSSL reads SSL_CERT_FILE in place of the operating system's certificates: it stands for
    a company's certificate in the system's store, which requests alone would not look at."""
    monkeypatch.setenv(variable, str(authority.pem))
    assert make_images(secure_server.url()).fetch(deadline).version == "26.1.5-20261101"


def test_a_bundle_of_the_environment_is_all_that_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = trust.make_context(None, {"REQUESTS_CA_BUNDLE": str(authority.pem)})
    assert len(context.get_ca_certs()) == 1


def test_a_file_for_openssl_is_all_that_is_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    monkeypatch.setenv("SSL_CERT_DIR", str(authority.pem.parent))
    assert len(trust.make_context(None).get_ca_certs()) == 1


def test_requests_adds_nobody_to_those_trusted(
    secure_server: Server, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone it adds certifi's certificates, or REQUESTS_CA_BUNDLE, to any settings."""
    context = trust.make_context(None, {"REQUESTS_CA_BUNDLE": str(authority.pem)})
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.utils.DEFAULT_CA_BUNDLE_PATH)
    with requests.Session() as session:
        session.mount("https://", web.trusting(context))
        assert session.get(secure_server.url()).content == ISO
    assert len(context.get_ca_certs()) == 1


def test_without_settings_the_bundled_certificates_are_there_too() -> None:
    """Windows 7 without updates, and the macOS Python of python.org, have few or none."""
    assert len(trust.make_context(None, {}).get_ca_certs()) > 50


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_a_mistake_of_configuration(
    secure_server: Server,
    make_images: MakeImages,
    tmp_path: Path,
    deadline: Deadline,
    content: str | None,
) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match="ca.pem") as caught:
        make_images(secure_server.url(), cacert=path).fetch(deadline)
    assert "--cacert" in caught.value.resolution


def test_a_certificate_for_another_name_is_refused(
    authority: Authority, make_images: MakeImages, deadline: Deadline
) -> None:
    another_name = pytest.raises(DownloadError, match="'127.0.0.1' is for another name")
    with web_server.run(authority.context("other.example")) as server, another_name:
        make_images(server.url(), cacert=authority.pem).fetch(deadline)


@pytest.mark.parametrize(("begin", "end"), [(-2 * DAY, -DAY), (DAY, 2 * DAY)])
def test_a_certificate_of_another_time_points_to_the_clock(
    authority: Authority,
    make_images: MakeImages,
    deadline: Deadline,
    begin: datetime.timedelta,
    end: datetime.timedelta,
) -> None:
    not_today = pytest.raises(DownloadError, match="not valid today")
    with web_server.run(authority.context(begin=begin, end=end)) as server, not_today as caught:
        make_images(server.url(), cacert=authority.pem).fetch(deadline)
    assert "date" in caught.value.resolution


def test_a_server_without_tls_is_explained(
    server: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    url = server.url().replace("http:", "https:")
    with pytest.raises(DownloadError, match="no TLS version") as caught:
        make_images(url).fetch(deadline)
    assert ssl.OPENSSL_VERSION in caught.value.details


def test_a_redirect_out_of_tls_is_refused(
    secure_server: Server,
    server: Server,
    authority: Authority,
    make_images: MakeImages,
    deadline: Deadline,
) -> None:
    secure_server.pages["/boot2docker.iso"] = web_server.redirect(server.url())
    server.pages["/boot2docker.iso"] = web_server.file(ISO)
    with pytest.raises(DownloadError, match="from https to plain http"):
        make_images(secure_server.url(), cacert=authority.pem).fetch(deadline)


def test_an_issuer_is_read_in_every_encoding() -> None:
    """BMPString is what old Windows authorities write."""
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Größe", x509.name._ASN1Type.BMPString)]  # noqa: SLF001 - its only name
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=NOW,
        not_valid_after=NOW + DAY,
    ).sign(key, hashes.SHA256())
    assert trust.parse_issuer(certificate.public_bytes(serialization.Encoding.DER)) == "Größe"


# -- proxies


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a proxy that the environment names for everything."""
    with web_server.run() as proxy:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://user:s3cret@127.0.0.1:{proxy.port}")
        yield proxy


def test_this_computer_is_never_asked_through_a_proxy(
    server: Server, proxy: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    server.pages["/boot2docker.iso"] = web_server.redirect(server.url("/again.iso"))
    server.pages["/again.iso"] = web_server.file(ISO)
    make_images().fetch(deadline)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:80/", True),
        ("http://127.8.9.1/", True),
        ("http://[::1]:80/", True),
        ("http://localhost/", True),
        ("http://a.localhost/", True),
        ("http://localhost.example/", False),
        ("http://192.168.59.103/", False),
        ("http://127.0.0.1.example/", False),
    ],
)
def test_this_computer_is_known_by_its_names(url: str, is_loopback: bool) -> None:
    assert web.is_loopback(url) is is_loopback


def test_others_are_asked_through_the_proxy_with_its_password(
    proxy: Server, make_images: MakeImages, destination: Path, deadline: Deadline
) -> None:
    def page(request: web_server.Request) -> None:
        is_known = request.headers.get("Proxy-Authorization") == "Basic dXNlcjpzM2NyZXQ="
        (web_server.file(ISO) if is_known else web_server.text(407, "who?"))(request)

    proxy.pages["http://mirror.example/boot2docker.iso"] = page
    url = "http://mirror.example/boot2docker.iso"
    make_images(url, allow_unverified=True).fetch(deadline)
    assert destination.read_bytes() == ISO


def test_a_proxy_that_looks_into_tls_is_named_by_its_issuer_and_trusted_when_told_to(
    proxy: Server,
    authority: Authority,
    make_images: MakeImages,
    destination: Path,
    deadline: Deadline,
) -> None:
    with web_server.run(authority.context("mirror.example")) as inspector:
        inspector.pages["/boot2docker.iso"] = web_server.file(ISO)
        proxy.tunnels["mirror.example:443"] = inspector.port
        url = "https://mirror.example/boot2docker.iso"
        with pytest.raises(DownloadError, match="Beispiel GmbH") as caught:
            make_images(url).fetch(deadline)
        assert "'mirror.example'" in caught.value.brief
        make_images(url, cacert=authority.pem).fetch(deadline)
    assert destination.read_bytes() == ISO


@pytest.mark.parametrize(("status", "advice"), [(407, "USER:PASSWORD"), (403, "NO_PROXY")])
def test_a_proxy_that_refuses_is_named_without_its_password(
    proxy: Server, make_images: MakeImages, deadline: Deadline, status: int, advice: str
) -> None:
    proxy.tunnel_refusal = status
    with pytest.raises(DownloadError, match=f"the proxy 'http://127.0.0.1:{proxy.port}'") as caught:
        make_images("https://mirror.example/boot2docker.iso").fetch(deadline)
    assert advice in caught.value.resolution
    assert "s3cret" not in str(caught.value.as_dict())
    assert deadline.remaining_s() == 600


def test_a_proxy_that_is_not_there_is_named(
    proxy: Server, make_images: MakeImages, deadline: Deadline
) -> None:
    proxy.shutdown()
    proxy.server_close()
    with pytest.raises(DownloadError, match="the proxy") as caught:
        make_images("https://mirror.example/boot2docker.iso").fetch(deadline)
    assert "HTTPS_PROXY" in caught.value.resolution


def test_a_proxy_that_needs_a_missing_package_says_which(
    make_images: MakeImages, deadline: Deadline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UsageError, match="socks5") as caught:
        make_images("http://mirror.example/boot2docker.iso").fetch(deadline)
    assert "requests[socks]" in caught.value.resolution


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("", 0),
        (" ", 0),
        ("soon", 0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_the_time_to_come_back_is_understood(value: str, seconds: float) -> None:
    assert web_errors.parse_retry_after(value, now=100) == seconds
