"""Settings of the engine, as people write them in profiles, variables and flags."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from boot2docker_py.config import engine
from tests.conftest import Boot2Docker


@pytest.mark.parametrize(
    ("read", "words", "value"),
    [
        (
            engine.list_of(engine.mirror),
            "https://a:5000, http://b/x",
            ("https://a:5000", "http://b/x"),
        ),
        (engine.list_of(engine.registry), ["reg:5000", "10.0.0.0/8"], ("reg:5000", "10.0.0.0/8")),
        (
            engine.list_of(engine.option, "\n"),
            "log-level=debug\nmtu=1400",
            ("log-level=debug", "mtu=1400"),
        ),
        (engine.list_of(engine.variable, "\n"), "A=b c,d", ("A=b c,d",)),
        (engine.list_of(engine.mirror), (), ()),
        (engine.proxy, "auto", "auto"),
        (engine.proxy, "http://u:p@proxy:3128", "http://u:p@proxy:3128"),
        (engine.certificates, "off", ()),
        (engine.certificates, ["auto"], ("auto",)),
    ],
)
def test_what_is_right_is_taken(
    read: Callable[[object], object], words: object, value: object
) -> None:
    assert read(words) == value


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (engine.list_of(engine.mirror), "mirror.example"),
        (engine.list_of(engine.mirror), "htps://mirror.example"),
        (engine.list_of(engine.mirror), "https://user:secret@mirror.example"),
        (engine.list_of(engine.mirror), 5),
        (engine.list_of(engine.registry), "https://reg:5000"),
        (engine.list_of(engine.registry), "$(reboot)"),
        (engine.list_of(engine.option, "\n"), "log-level"),
        (engine.list_of(engine.option, "\n"), "data-root=/x"),
        (engine.list_of(engine.option, "\n"), 'hosts=["tcp://0.0.0.0:1"]'),
        (engine.list_of(engine.option, "\n"), "-H=tcp://0.0.0.0:1"),
        (engine.list_of(engine.variable, "\n"), "1A=b"),
        (engine.list_of(engine.variable, "\n"), ["A=b\x1b[31m"]),
        (engine.list_of(engine.variable, "\n"), "EXTRA_ARGS=-H tcp://0.0.0.0:1"),
        (engine.list_of(engine.variable, "\n"), "DOCKER_TLS=no"),
        (engine.list_of(engine.variable, "\n"), "PATH=/tmp"),
        (engine.proxy, "proxy.example:3128"),
        (engine.proxy, "http://[/"),
        (engine.proxy, "http://localhost:99999"),
        (engine.proxy, "http://a b"),
        (engine.certificates, 7),
        (engine.scripts, [7]),
    ],
)
def test_what_is_wrong_is_refused(read: Callable[[object], object], words: object) -> None:
    with pytest.raises(ValueError, match="must"):
        read(words)


def test_scripts_keep_their_word_for_each_boot() -> None:
    assert engine.scripts(["always:x.sh", "y.sh"]) == (
        f"always:{Path('x.sh').absolute()}",
        str(Path("y.sh").absolute()),
    )


def test_values_of_options_are_json_where_they_are_that() -> None:
    words = ["debug=true", "mtu=1400", 'log-opts={"max-size":"10m"}', "log-level=info", "x=[[["]
    assert engine.options_of(words) == {
        **{"debug": True, "mtu": 1400, "log-opts": {"max-size": "10m"}},
        **{"log-level": "info", "x": "[[["},
    }


@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
def test_the_password_of_a_proxy_is_never_shown(boot2docker: Boot2Docker, words: list[str]) -> None:
    for url in ("http://me:s3cr3t@proxy:1", "me:s3cr3t@proxy:1", "http://me:s3cr3t@pro xy"):
        answer = boot2docker([*words, "--proxy", url])
        assert "s3cr3t" not in answer.out + answer.err


@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
@pytest.mark.parametrize(
    "variable",
    [
        "HTTPS_PROXY=http://me:s3cr3t@proxy:1",
        "HTTPS_PROXY=me:s3cr3t@proxy:1",
        "AWS_SECRET_ACCESS_KEY=s3cr3t",
        "1BAD=http://me:s3cr3t@pro xy",
        "BAD PASSWORD s3cr3t",
    ],
)
def test_secrets_for_the_engine_are_never_shown(
    boot2docker: Boot2Docker, home: Path, words: list[str], variable: str
) -> None:
    home.mkdir()  # so that there is a log
    for typed in (["--engine-env", variable], [f"--engine-env={variable}"]):
        answer = boot2docker([*words, *typed])
        assert "s3cr3t" not in answer.out + answer.err
    assert "s3cr3t" not in (home / "boot2docker.log").read_text()


def test_other_variables_are_shown(boot2docker: Boot2Docker) -> None:
    assert "GOGC=50" in boot2docker(["config", "--engine-env", "GOGC=50"]).out


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (["--registry-mirror", "https://a", "--registry-mirror", "htp://b"], "not 'htp://b'"),
        (["--insecure-registry", "a:5000", "--insecure-registry", "b/c"], "not 'b/c'"),
        (["--engine-opt", "mtu"], "not 'mtu'"),
        (["--dns", "10.0.0.1", "--dns", "ten"], "not 'ten'"),
    ],
)
def test_an_error_names_the_one_that_is_wrong(
    boot2docker: Boot2Docker, flags: list[str], shown: str
) -> None:
    answer = boot2docker(["config", *flags])
    assert answer.status == 2
    assert shown in answer.err
    assert "('" not in answer.err
