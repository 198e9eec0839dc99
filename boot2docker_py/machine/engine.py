"""What the user's settings mean for the engine in the guest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from boot2docker_py.config import engine as words
from boot2docker_py.errors import UsageError
from boot2docker_py.guest.engine_settings import EngineSettings
from boot2docker_py.host import company_roots, proxies

if TYPE_CHECKING:
    from boot2docker_py.config import Config

CERTIFICATE_LIMIT_BYTES = 1024 * 1024


def settings_of(config: Config, this_machine: str) -> EngineSettings:
    """Return what this machine, which the VM sees at `this_machine`, wants of the engine.

    Raises:
        UsageError: a file of certificates cannot be used.
    """
    return EngineSettings(
        _options(config), _environment(config, this_machine), _certificates(config)
    )


def _options(config: Config) -> dict[str, Any]:
    lists = {
        "registry-mirrors": config.registry_mirrors,
        "insecure-registries": config.insecure_registries,
        "dns": config.engine_dns,
    }
    return {
        **words.options_of(config.engine_options),
        **{key: list(values) for key, values in lists.items() if values},
    }


def _environment(config: Config, this_machine: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if config.engine_proxy == words.AUTO:
        found = proxies.for_engine(proxies.of_system(), this_machine)
    elif config.engine_proxy != words.OFF:
        url, no = config.engine_proxy, proxies.of_system().get("no", "")
        found = proxies.for_engine({"http": url, "https": url, "no": no}, this_machine)
    given = (word.partition("=") for word in config.engine_environment)
    return {**found, **{name: value for name, _, value in given}}


def _certificates(config: Config) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number, word in enumerate(config.engine_ca):
        if word == words.AUTO:
            found.update(company_roots.found())
        else:
            found[f"{number}-{Path(word).name}"] = _certificate(Path(word))
    return found


def _certificate(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(CERTIFICATE_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the certificates '{file}'", details=str(error)) from error
    if b"PRIVATE KEY-----" in content:
        raise UsageError(
            f"'{file}' has a private key in it, which must not go into the VM",
            resolution="Export the certificate alone, without its key.",
        )
    if not content or len(content) > CERTIFICATE_LIMIT_BYTES:
        raise UsageError(f"'{file}' is no file of certificates: {len(content)} bytes")
    return content
