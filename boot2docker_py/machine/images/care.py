"""The images of this machine: which there are, which VM needs them, and which none does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Mapping, NamedTuple, Sequence

from boot2docker_py.errors import (
    Boot2DockerError,
    DownloadError,
    NotFoundError,
    StorageError,
    WrongStateError,
)
from boot2docker_py.image import package, read_image
from boot2docker_py.machine.images import pins
from boot2docker_py.wait import Deadline

if TYPE_CHECKING:
    from boot2docker_py.drivers.many import Listed
    from boot2docker_py.image import Images
    from boot2docker_py.paths import Paths

IN_PLACE, KEPT, PACKAGE = "in place", "kept", "package"


class Found(NamedTuple):
    """One image."""

    place: str
    path: Path
    version: str
    size_bytes: int
    sha256: str  # "" of a package, whose image is read when it is taken
    used_by: tuple[str, ...]  # VMs that boot it, now or from their next boot on
    problem: str = ""


class Pruned(NamedTuple):
    """What was removed."""

    removed: tuple[Path, ...]
    bytes_freed: int


def inventory(images: Images, iso: Path, vms: Sequence[Listed], paths: Paths) -> Sequence[Found]:
    """Return the images: the one in place, those that are kept, those that are installed."""
    users = _users(vms, paths)
    found = list(_in_place(iso, users))
    for image in images.kept.all():
        used_by = users.get(_key(image.path), ())
        facts = (image.path, image.version, image.size_bytes, image.sha256)
        found.append(Found(KEPT, *facts, used_by))
    for one in package.installed():
        path = Path(one.source.location)
        found.append(Found(PACKAGE, path, one.version, path.stat().st_size, "", ()))
    return found


def prune(images: Images, vms: Sequence[Listed], paths: Paths, deadline: Deadline) -> Pruned:
    """Remove the kept images that no VM boots, and what killed commands have left.

    Raises:
        WrongStateError: it cannot be asked what a VM boots; nothing is removed.
        StorageError: some cannot be removed; the others are.
    """
    unknown = [vm for vm in vms if vm.images is None]
    if unknown:
        raise WrongStateError(
            "it is not known which images are needed",
            details="\n".join(f"VM '{vm.name}' ({vm.driver}): {vm.problem}" for vm in unknown),
            resolution="Repair what is named above, and run it again.",
        )
    removed, freed, problems = [], 0, []
    with images.kept_alone(deadline) as kept:
        users = _users(vms, paths)  # while no command pins
        for image in kept.all():
            if _key(image.path) in users:
                continue
            try:
                kept.remove(image)
            except Boot2DockerError as error:
                problems.append(f"{error.brief}: {error.details}")
            else:
                removed.append(image.path)
                freed += image.size_bytes
        kept.clear()
    if problems:
        raise StorageError(
            f"{len(problems)} of the images that no VM boots cannot be removed",
            details="\n".join(problems),
            resolution="Make their folder writable, and run it again.",
        )
    return Pruned(tuple(removed), freed)


def _in_place(iso: Path, users: Mapping[str, tuple[str, ...]]) -> Iterable[Found]:
    used_by = users.get(_key(iso), ())
    try:
        image = read_image(iso)
    except NotFoundError:
        return
    except DownloadError as error:
        yield Found(IN_PLACE, iso, "", iso.stat().st_size, "", used_by, error.brief)
    else:
        yield Found(IN_PLACE, iso, image.version, image.size_bytes, image.sha256, used_by)


def _users(vms: Sequence[Listed], paths: Paths) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the VMs that boot an image, by its place."""
    found: dict[str, set[str]] = {}
    for vm in vms:
        for path in vm.images or ():
            found.setdefault(_key(path), set()).add(vm.name)
    for name in paths.vm_names():
        pin = pins.read(paths.vm(name))
        if pin:
            found.setdefault(_key(pin.path), set()).add(name)
    return {key: tuple(sorted(names)) for key, names in found.items()}


def _key(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
