"""The checks of the docker client: which engine it talks to, why, and whether it can."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.docker import contexts
from boot2docker_py.docker.client import Client, can_talk
from boot2docker_py.docker.config import DEFAULT_CONTEXT
from boot2docker_py.docker.proxies import catching
from boot2docker_py.drivers.model import State
from boot2docker_py.errors import Boot2DockerError, GuestError
from boot2docker_py.machine.doctor.findings import (
    Check,
    Finding,
    Patient,
    failure,
    of_error,
    ok,
    skipped,
    unless_broken,
    warning,
)

NEARLY_OVER_S = 30 * 24 * 3600
DAY_S = 24 * 3600


def _client(patient: Patient) -> Iterator[Finding]:
    client = patient.client
    if client is None:
        fix = "Put one into the PATH."
        if patient.state is not State.BROKEN:
            own = patient.when_it_runs("boot2docker docker ps")
            fix = f"Put one into the PATH; the VM has its own: {own}"
        yield warning("client", "there is no docker client in the PATH", fix)
    elif client.version:
        yield ok("client", f"docker {client.version} at {client.program}")
    else:
        yield warning("client", f"{client.program}: {client.complaint}", "docker version")


def _api(patient: Patient) -> Iterator[Finding]:
    if patient.client is None:
        yield skipped("api", "there is no docker client")
    else:
        yield _api_of(patient.client, patient)


def _api_of(client: Client, patient: Patient) -> Finding:
    newest, oldest = patient.engine.get("ApiVersion", ""), patient.engine.get("MinAPIVersion", "")
    spoken = f"client {client.oldest_api} to {client.newest_api or '?'}"
    pinned = patient.environ.get("DOCKER_API_VERSION")
    spoken += f", held to {pinned} by DOCKER_API_VERSION" if pinned else ""
    if not newest:
        return skipped("api", f"{spoken}; the engine does not answer")
    spoken += f"; engine {oldest or '?'} to {newest}"
    if not client.complaint and client.version:
        return ok("api", f"they talk: {spoken}")
    words = f"{spoken}; {client.complaint}"
    if client.newest_api and not can_talk(client, oldest or newest, newest):
        words = f"they have no version of the API in common: {words}"
    fix = "Change the engine (boot2docker upgrade) or the docker client, until the ranges meet."
    return failure("api", words, fix, GuestError.exit_status)


def _choice(patient: Patient) -> Iterator[Finding]:
    try:
        choice = patient.docker_config.choice(patient.environ)
    except Boot2DockerError as error:
        yield of_error("choice", error)
        return
    why = f"because of {choice.chosen_by}" if choice.chosen_by else "because nothing is chosen"
    if choice.host:
        is_over_tls = patient.environ.get("DOCKER_CERT_PATH") == str(patient.certificates)
        is_ours = is_over_tls or choice.host == patient.endpoint.docker_host
        found = choice.host
    else:
        is_ours, found = choice.context == patient.context.name, f"context '{choice.context}'"
    if is_ours:
        yield ok("choice", f"docker talks to this VM: {found}, {why}")
        return
    fix = f"docker --context {patient.context.name} ..., or for good: boot2docker up --use"
    if not _has_context(patient):
        fix = "boot2docker up --use"
    if choice.chosen_by in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        here = patient.when_it_runs(shell_hint(patient.platform))
        fix = f"In this shell: {here}; or remove {choice.chosen_by} from it."
    yield warning("choice", f"docker talks to another engine: {found}, {why}", fix)


def _has_context(patient: Patient) -> bool:
    """Tell whether there is a docker context that leads to this VM."""
    try:
        return patient.context.leads_to() == patient.endpoint.docker_host
    except Boot2DockerError:
        return False


def shell_hint(platform: str) -> str:
    """Return how this shell is pointed at the VM, where a shell can be named at all."""
    return "boot2docker shell" if platform == "win32" else 'eval "$(boot2docker shellinit)"'


def _context(patient: Patient) -> Iterator[Finding]:
    name = patient.context.name
    if isinstance(patient.state, Boot2DockerError):
        yield skipped("context", "it is not known whether there is a VM")
        return
    try:
        leads_to = patient.context.leads_to()
    except Boot2DockerError as error:
        yield of_error("context", error)
        return
    if patient.state is State.ABSENT:
        if leads_to == patient.endpoint.docker_host:
            fix = f"docker context rm --force {name}"
            yield warning("context", f"'{name}' leads to a VM that is not there", fix)
        else:
            yield skipped("context", "there is no VM")
    elif leads_to == patient.endpoint.docker_host:
        yield ok("context", f"'{name}' leads to this VM")
    elif leads_to:
        yield warning("context", f"'{name}' leads to {leads_to}", "boot2docker up")
    else:
        yield warning("context", f"there is no docker context '{name}'", "boot2docker up")


def _default(patient: Patient) -> Iterator[Finding]:
    place = contexts.default_engine(patient.platform)
    if place.exists():
        words = f"there is another engine at {place}; docker's context '{DEFAULT_CONTEXT}' keeps it"
        yield ok("default", words)
    else:
        yield ok("default", f"nothing is at {place}")


def _certificates(patient: Patient) -> Iterator[Finding]:
    folder = patient.certificates
    if not folder.exists():
        yield ok("tls", "not used: docker goes over SSH")
        return
    from boot2docker_py.x509 import ends_at_s

    try:
        ends = {name: ends_at_s(folder / name) for name in ("ca.pem", "cert.pem")}
    except Boot2DockerError as error:
        yield of_error("tls", error)
        return
    name = min(ends, key=lambda name: ends[name])
    left_s = ends[name] - patient.now_s()
    fix = patient.when_it_runs("boot2docker shellinit --tls")
    if left_s <= 0:
        yield failure("tls", f"{folder / name} is over", fix, GuestError.exit_status)
    elif left_s < NEARLY_OVER_S:
        yield warning("tls", f"{folder / name} ends in {int(left_s // DAY_S)} days", fix)
    else:
        yield ok("tls", f"the certificates are good for {int(left_s // DAY_S)} days")


def _proxy(patient: Patient) -> Iterator[Finding]:
    host = patient.environ.get("DOCKER_HOST", "")
    proxy = catching(host, patient.environ)
    if proxy:
        words = f"{proxy} is set, so that docker asks the proxy for {host}"
        fix = patient.when_it_runs("boot2docker shellinit --tls --no-proxy")
        yield warning("proxy", words, fix)
    else:
        yield ok("proxy", "no proxy comes between docker and the engine")


CHECKS = (
    Check(
        "client",
        "The docker client in the PATH, and its version",
        "warning: there is none, or it does not run",
        _client,
    ),
    Check(
        "api",
        "The client talks to this engine, and the range of API versions of each",
        "failure 9: they do not talk",
        _api,
    ),
    Check(
        "choice",
        "Which engine `docker` talks to now, and whether `DOCKER_HOST`, `DOCKER_CONTEXT` or the "
        "current context of its configuration says so",
        "failure 2: its configuration cannot be read; warning: it is another engine",
        unless_broken("choice", _choice),
    ),
    Check(
        "context",
        "The docker context of the VM leads to its engine",
        "warning: it is missing, leads elsewhere, or is another program's",
        unless_broken("context", _context),
    ),
    Check(
        "default",
        "An engine of this machine at docker's default place, which keeps the context `default`",
        "never: both can live side by side",
        _default,
    ),
    Check(
        "tls",
        "The dates of the certificates that `shellinit --tls` has fetched",
        "failure 9: over; failure 1: unreadable; warning: less than 30 days",
        unless_broken("tls", _certificates),
    ),
    Check(
        "proxy",
        "A proxy of the environment that catches what goes to `DOCKER_HOST`",
        "warning: it does",
        unless_broken("proxy", _proxy),
    ),
)
