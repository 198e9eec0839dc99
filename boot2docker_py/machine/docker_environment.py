"""How docker is pointed at the engine of a VM by the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from boot2docker_py.docker import environment

if TYPE_CHECKING:
    from boot2docker_py.machine.parts import Parts


def of_engine(
    parts: Parts, *, tls: bool = False, no_proxy: bool = False
) -> environment.Environment:
    """Return what makes docker use the engine, at its TLS port or where the forwarder serves it.

    Raises:
        NotFoundError, WrongStateError: there is no VM; or with one of both it does not run.
    """
    if not tls and not no_proxy:
        return environment.of_engine(parts.endpoint.docker_host)
    host = parts.questions.running_address().host
    if tls:
        parts.access.keep_clock_right()  # certificates have dates
        wanted = environment.of_engine_over_tls(*parts.access.docker_over_tls())
    else:
        wanted = environment.of_engine(parts.endpoint.docker_host)
    # The original did it by itself: through a proxy, docker would not find the TLS port.
    if no_proxy or (tls and environment.has_proxy(os.environ)):
        hosts = [urlsplit(wanted.set["DOCKER_HOST"]).hostname or host, host]
        off_proxy = environment.without_proxy([*hosts, "localhost", "127.0.0.1"], os.environ)
        wanted = wanted._replace(set={**wanted.set, **off_proxy})
    return wanted
