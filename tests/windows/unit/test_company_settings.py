"""What a company sets on a Windows: the user's proxy, and authorities in the stores."""

from __future__ import annotations

import ctypes
import datetime
import hashlib
import sys
from typing import Any, Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from boot2docker_py.host import company_roots, proxies

assert sys.platform == "win32"
import winreg  # noqa: E402 - elsewhere there is none

SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
# Of wincrypt.h
IN_REGISTRY, ENCODING, REPLACE = 4, 0x10001, 3


class InternetSettings:
    """The user's settings of the internet, as the control panel writes them."""

    def __init__(self, key: winreg.HKEYType) -> None:
        self._key = key

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            kind = winreg.REG_DWORD if isinstance(value, int) else winreg.REG_SZ
            winreg.SetValueEx(self._key, name, 0, kind, value)


NAMES = ("ProxyEnable", "ProxyServer", "ProxyOverride", "AutoConfigURL")


def _value(key: winreg.HKEYType, name: str) -> tuple[Any, int] | None:
    try:
        return winreg.QueryValueEx(key, name)
    except FileNotFoundError:
        return None


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[InternetSettings]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    access = winreg.KEY_READ | winreg.KEY_WRITE
    with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, SETTINGS, 0, access) as key:
        before = {name: _value(key, name) for name in NAMES}
        for name, value in before.items():
            if value is not None:
                winreg.DeleteValue(key, name)
        yield InternetSettings(key)
        for name, value in before.items():
            if value is not None:
                winreg.SetValueEx(key, name, 0, value[1], value[0])
            elif _value(key, name) is not None:
                winreg.DeleteValue(key, name)


def for_engine() -> dict[str, str]:
    return proxies.for_engine(proxies.of_system(), "10.0.2.2")


def test_without_one_the_engine_has_none(internet: InternetSettings) -> None:
    assert for_engine() == {}


def test_the_users_proxy_is_the_engines(internet: InternetSettings) -> None:
    internet.set(ProxyEnable=1, ProxyServer="proxy.example:8080")
    found = for_engine()
    assert found["HTTP_PROXY"] == "http://proxy.example:8080"
    assert found["HTTPS_PROXY"] == "http://proxy.example:8080"


def test_one_for_each_protocol(internet: InternetSettings) -> None:
    internet.set(ProxyEnable=1, ProxyServer="http=one.example:1;https=127.0.0.1:2;ftp=three:3")
    found = for_engine()
    assert found["HTTP_PROXY"] == "http://one.example:1"
    assert found["HTTPS_PROXY"] == "http://10.0.2.2:2"


def test_one_that_is_switched_off_is_none(internet: InternetSettings) -> None:
    internet.set(ProxyEnable=0, ProxyServer="proxy.example:8080")
    assert for_engine() == {}


def test_exceptions_are_kept_in_the_engines_words(internet: InternetSettings) -> None:
    override = "intra.example;*.corp.example;<local>;10.*;192.168.1.*;https://x.example;a*b"
    internet.set(ProxyEnable=1, ProxyServer="proxy.example:8080", ProxyOverride=override)
    assert for_engine()["NO_PROXY"].split(",") == [
        *("intra.example", ".corp.example", "10.0.0.0/8", "192.168.1.0/24", "x.example"),
        *("localhost", "127.0.0.0/8", "::1"),
    ]


def test_the_environment_counts_before(
    internet: InternetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet.set(ProxyEnable=1, ProxyServer="proxy.example:8080", ProxyOverride="intra.example")
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example:3128")
    found = for_engine()
    assert found["HTTPS_PROXY"] == "http://other.example:3128"
    assert "HTTP_PROXY" not in found
    assert "intra.example" not in found["NO_PROXY"]


def an_authority(name: str) -> bytes:
    """Return a certificate of an authority, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("place", company_roots.WINDOWS_KEYS, ids=["user", "machine", *"pe"])
def test_an_authority_that_windows_wrote_is_found(place: tuple[str, str]) -> None:
    """Windows' own library writes it, into the key that the store of this name is."""
    crypt = ctypes.WinDLL("crypt32", use_last_error=True)
    crypt.CertOpenStore.restype = ctypes.c_void_p
    certificate = an_authority(f"A company of the test {place[1]}")
    pem = company_roots.as_pem(certificate)
    assert pem not in company_roots.found().values()
    store_key = place[1].rpartition("\\")[0]
    access = winreg.KEY_READ | winreg.KEY_WRITE
    with winreg.CreateKeyEx(getattr(winreg, place[0]), store_key, 0, access) as key:
        store = crypt.CertOpenStore(
            ctypes.c_void_p(IN_REGISTRY), 0, None, 0, ctypes.c_void_p(int(key))
        )
        assert store, ctypes.get_last_error()
        added = crypt.CertAddEncodedCertificateToStore(
            ctypes.c_void_p(store), ENCODING, certificate, len(certificate), REPLACE, None
        )
        assert added, ctypes.get_last_error()
        crypt.CertCloseStore(ctypes.c_void_p(store), 0)  # which writes it down
    name = hashlib.sha1(certificate).hexdigest().upper()
    try:
        assert pem in company_roots.found().values()
    finally:
        winreg.DeleteKey(getattr(winreg, place[0]), rf"{place[1]}\{name}")
    assert pem not in company_roots.found().values()


def test_a_store_with_something_odd_in_it_is_read_all_the_same() -> None:
    hive, path = winreg.HKEY_CURRENT_USER, company_roots.WINDOWS_KEYS[0][1]
    odd = {"a": (winreg.REG_BINARY, b"\x01"), "b": (winreg.REG_SZ, "no bytes"), "c": None}
    for name, value in odd.items():
        with winreg.CreateKeyEx(hive, rf"{path}\{name * 40}") as key:
            if value:
                winreg.SetValueEx(key, "Blob", 0, value[0], value[1])
    try:
        company_roots.found()
    finally:
        for name in odd:
            winreg.DeleteKey(hive, rf"{path}\{name * 40}")
