"""The proxy of this machine, as the engine in the guest must name it."""

from __future__ import annotations

import pytest

from boot2docker_py.host import proxies


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://127.0.0.1:3128", "http://10.0.2.2:3128"),
        ("http://localhost:8080/", "http://10.0.2.2:8080/"),
        ("http://me:p%40ss@localhost:8080", "http://me:p%40ss@10.0.2.2:8080"),
        ("http://[::1]:8080", "http://10.0.2.2:8080"),
        ("127.0.0.1:3128", "http://10.0.2.2:3128"),
    ],
)
def test_a_proxy_on_loopback_is_named_as_the_guest_sees_it(here: str, there: str) -> None:
    assert proxies.as_the_guest_sees(here, "10.0.2.2") == there


def test_the_engine_keeps_exceptions_and_itself() -> None:
    found = proxies.for_engine(
        {"https": "http://p:1", "no": "intra.example, localhost"}, "10.0.2.2"
    )
    assert found == {
        "HTTPS_PROXY": "http://p:1",
        "NO_PROXY": "intra.example,localhost,127.0.0.0/8,::1",
    }


def test_without_a_proxy_nothing_is_set() -> None:
    assert proxies.for_engine({"no": "x"}, "10.0.2.2") == {}


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://p:1")
    assert proxies.of_system()["https"] == "http://p:1"


@pytest.mark.parametrize(
    ("override", "exceptions"),
    [
        ("", []),
        ("<local>", []),
        ("intra.example", ["intra.example"]),
        ("*.corp.example;*corp", [".corp.example", ".corp"]),
        ("10.*;172.16.*;192.168.1.*", ["10.0.0.0/8", "172.16.0.0/16", "192.168.1.0/24"]),
        ("192.168.*.*", ["192.168.0.0/16"]),
        ("https://x.example;http://10.*", ["x.example", "10.0.0.0/8"]),
        ("*;a*b;*.*", []),
        (" one.example ;; two.example", ["one.example", "two.example"]),
    ],
)
def test_exceptions_of_windows_are_in_the_engines_words(
    override: str, exceptions: list[str]
) -> None:
    assert proxies.exceptions_of_windows(override) == exceptions


def test_variables_that_only_end_as_those_of_proxies_say_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BOOT2DOCKER_PROXY", "http://p:1")
    monkeypatch.setattr(
        "urllib.request.getproxies_registry", lambda: {"http": "http://q:1"}, raising=False
    )
    assert proxies.of_system()["http"] == "http://q:1"


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:s3[cr3t@proxy.example:3128",
        "http://me:s3/cr3t@localhost:3128",
        "http://localhost:99999",
        "http://[::1",
        "http://",
    ],
)
def test_a_proxy_that_is_no_url_is_a_warning_and_keeps_its_secret(
    proxy: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    assert proxies.for_engine(proxies.of_system(), "10.0.2.2") == {}
    assert "This machine's proxy for https is not used" in caplog.text
    assert "s3" not in caplog.text
    assert "cr3t" not in caplog.text
