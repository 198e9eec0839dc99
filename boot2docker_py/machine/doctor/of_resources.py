"""The checks of what the VM has: memory, disk, name servers, proxy; and how old its image is."""

from __future__ import annotations

from typing import Iterator

from boot2docker_py.drivers.host import host_memory_mb
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.guest import resources
from boot2docker_py.machine.doctor.findings import (
    ANSWER_S,
    Check,
    Finding,
    Patient,
    ok,
    skipped,
    warning,
)
from boot2docker_py.masking import without_secrets
from boot2docker_py.wait import Deadline

LEAST_MEMORY_KB = 64 * 1024
LEAST_DISK_KB = 1024 * 1024
OLD_DAYS = 180
MB_KB = 1024


def _resources(patient: Patient) -> Iterator[Finding]:
    if isinstance(patient.driver, Boot2DockerError) or not patient.is_running:
        yield skipped("memory", "the VM does not run")
        return
    deadline = Deadline(patient.deadline.remaining_s(ANSWER_S))
    try:
        with patient.connect(patient.driver.ssh_address(), deadline) as connection:
            found = resources.look(connection, deadline.remaining_s())
    except Boot2DockerError:
        yield skipped("memory", "the VM does not let us in")
        return
    yield _of_memory(found)
    yield _of_disk(found)
    yield _of_network(found, patient)


def _of_memory(found: resources.Resources) -> Finding:
    if not found.memory_kb:
        return skipped("memory", "the VM does not tell")
    words = f"the VM has {_mb(found.memory_kb)} of memory, and {_mb(found.free_memory_kb)} to give"
    if found.free_memory_kb < LEAST_MEMORY_KB:
        return warning("memory", words, more_memory(found.memory_kb, host_memory_mb()))
    return ok("memory", words)


def more_memory(memory_kb: int, host_mb: int) -> str:
    """Return how the VM gets twice what it has, as long as the host keeps half of its own."""
    present_mb = -(-memory_kb // MB_KB // 512) * 512
    more_mb = min(2 * present_mb, host_mb // 2)
    if more_mb > present_mb:
        return f"boot2docker set --memory {more_mb} --restart"
    return "Stop containers; what each of them takes: docker stats"


def _of_disk(found: resources.Resources) -> Finding:
    if not found.disk_kb:
        return skipped("disk", "the VM does not tell")
    words = f"the VM's disk has {_mb(found.disk_kb)}, of which {_mb(found.free_disk_kb)} are free"
    if found.free_disk_kb < LEAST_DISK_KB:
        more_gb = 2 * -(-found.disk_kb // (MB_KB * 1024))
        fix = f"docker system prune, or: boot2docker set --disksize {more_gb}g --restart"
        return warning("disk", words, fix)
    return ok("disk", words)


def _of_network(found: resources.Resources, patient: Patient) -> Finding:
    if patient.engine_reason:
        return skipped("network", "the engine does not answer")
    info = patient.endpoint.engine_info()
    proxies = [info.get("HttpsProxy"), info.get("HttpProxy")]
    proxy = next((without_secrets(str(one)) for one in proxies if one), "no proxy")
    words = f"the engine uses {proxy}, and asks {', '.join(found.name_servers) or 'none'} for names"
    if not found.name_servers:
        return warning("network", words, "boot2docker set --dns ADDRESS --restart")
    return ok("network", words)


def _image(patient: Patient) -> Iterator[Finding]:
    from boot2docker_py.image import iso9660, versions

    try:
        if isinstance(patient.driver, Boot2DockerError) or not patient.has_vm:
            yield skipped("image", "there is no VM")
            return
        iso = patient.driver.describe().iso
        version = versions.from_volume_id(iso9660.read_disc(iso).volume_id)
    except (Boot2DockerError, OSError):
        yield skipped("image", "the image cannot be read")
        return
    age = versions.age_days(version, patient.now_s())
    if age is None:
        yield ok("image", f"the VM boots image {version or 'of an unknown version'}")
    elif age > OLD_DAYS:
        words = f"image {version} is {age} days old; its engine and its kernel lack what was fixed"
        yield warning("image", words, "boot2docker upgrade")
    else:
        yield ok("image", f"the VM boots image {version}, which is {age} days old")


def _mb(count_kb: int) -> str:
    return f"{count_kb // MB_KB} MB"


CHECKS = (
    Check(
        "memory",
        "The VM's memory and disk (`disk`), and what is left; the engine's proxy and the VM's name "
        "servers (`network`)",
        "warning: less than 64 MB of memory or 1 GB of disk, or no name server",
        _resources,
    ),
    Check("image", "How old the image is that the VM boots", "warning: half a year", _image),
)
