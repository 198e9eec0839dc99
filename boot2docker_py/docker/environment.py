"""The environment in which docker uses the engine of a VM."""

from __future__ import annotations

from typing import Iterable, Mapping, NamedTuple

from boot2docker_py.docker import shells

# Each takes precedence over DOCKER_HOST, or makes docker speak TLS to a socket that does not.
IN_THE_WAY = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TLS")


# Testcontainers mounts the socket into a container of its own: the one that the engine sees, which
# is in the VM, and not the one that DOCKER_HOST names here.
FOR_TESTCONTAINERS = {"TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE": "/var/run/docker.sock"}


class Environment(NamedTuple):
    """Variables to set, and others to remove."""

    set: Mapping[str, str]
    unset: tuple[str, ...]

    def lines(self, shell: str) -> list[str]:
        """Return the code that brings it into `shell`: all of it.

        Raises:
            UsageError: the shell has no way to write one of the values.
        """
        setting = [shells.set_line(shell, name, value) for name, value in self.set.items()]
        return [*setting, *(shells.unset_line(shell, name) for name in self.unset)]

    def applied_to(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return `environ` with this environment brought into it."""
        kept = {name: value for name, value in environ.items() if name not in self.unset}
        return {**kept, **self.set}


def of_engine(docker_host: str) -> Environment:
    """Return what makes docker use the engine at `docker_host`."""
    return Environment({"DOCKER_HOST": docker_host, **FOR_TESTCONTAINERS}, IN_THE_WAY)


def of_engine_over_tls(docker_host: str, certificates: str) -> Environment:
    """Return what makes docker use the engine's TLS port, with the certificates in a folder."""
    setting = {"DOCKER_HOST": docker_host, "DOCKER_CERT_PATH": certificates}
    setting = {**setting, "DOCKER_TLS_VERIFY": "1", **FOR_TESTCONTAINERS}
    return Environment(setting, ("DOCKER_CONTEXT", "DOCKER_TLS"))


def of_no_engine() -> Environment:
    """Return what takes all of it back."""
    return Environment({}, ("DOCKER_HOST", *IN_THE_WAY, *FOR_TESTCONTAINERS))


def has_proxy(environ: Mapping[str, str]) -> bool:
    """Tell whether programs are to ask a proxy."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return any(environ.get(name) for name in names)


def without_proxy(hosts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which programs reach `hosts` without the proxy, both spellings."""
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    known = [host.strip() for host in given.split(",") if host.strip()]
    value = ",".join(dict.fromkeys([*known, *hosts]))
    return {"NO_PROXY": value, "no_proxy": value}
