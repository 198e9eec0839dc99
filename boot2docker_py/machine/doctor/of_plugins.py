"""The check of what people soon miss: docker's own plugins, which are programs of this machine."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.docker.client import plugin_version
from boot2docker_py.machine.doctor.findings import Check, Finding, Patient, ok, skipped, warning

WHAT_FOR = {
    "compose": "docker compose up",
    "buildx": "docker build with BuildKit",
}


def _plugins(patient: Patient) -> Iterator[Finding]:
    if patient.client is None:
        yield skipped("plugins", "there is no docker client")
        return
    program = patient.client.program
    found = {name: plugin_version(program, name, patient.environ) for name in WHAT_FOR}
    missing = [name for name in WHAT_FOR if not found[name]]
    if not missing:
        versions = " and ".join(f"{name} {version}" for name, version in found.items())
        yield ok("plugins", f"docker has its plugins {versions}")
        return
    uses = ", ".join(WHAT_FOR[name] for name in missing)
    words = f"docker has no plugin {', '.join(missing)} (for: {uses})"
    folder = patient.docker_config.folder / "cli-plugins"
    suffix = ".exe" if patient.platform == "win32" else ""
    files = ", ".join(f"docker-{name}{suffix}" for name in missing)
    yield warning("plugins", words, f"Install them, or put their programs {files} into {folder}.")


CHECKS = (
    Check(
        "plugins",
        "The plugins of the docker client that most people use: compose and buildx",
        "warning: one is missing, or does not run",
        _plugins,
    ),
)
