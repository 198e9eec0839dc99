"""The images: fetched, listed, exchanged, pinned, pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from boot2docker_py.api.calls import Calls
from boot2docker_py.image import Image, Offer
from boot2docker_py.machine.images.upgrades import Pinned, Upgraded
from boot2docker_py.machine.parts import Parts

if TYPE_CHECKING:
    from boot2docker_py.machine.images.care import Found, Pruned


class Images(Calls):
    """The image of one VM, and those of this machine."""

    def download(self, *, timeout_s: float | None = None) -> Image:
        """Fetch the image and verify it; the VM is not touched."""
        parts = self._parts(timeout_s)
        return parts.images.fetch(parts.deadline)

    def upgrade(self, version: str = "", *, timeout_s: float | None = None) -> Upgraded:
        """Change the VM to a newer image, or to that of `version`.

        It stays with the old one if the new one does not come up.

        Raises:
            NotFoundError: there is no image of that version.
            WrongStateError: the VM is pinned, or another VM needs the image in place.
        """
        parts = self._parts(timeout_s)
        return self._upgraded(parts, parts.upgrades.upgrade(parts.deadline, version=version))

    def roll_back(self, *, timeout_s: float | None = None) -> Upgraded:
        """Change the VM back to the image that was in place before.

        Raises:
            NotFoundError: none is kept.
            WrongStateError: as `upgrade`.
        """
        parts = self._parts(timeout_s)
        return self._upgraded(parts, parts.upgrades.roll_back(parts.deadline))

    def pin(self, version: str = "", *, timeout_s: float | None = None) -> Pinned:
        """Let the VM boot the image that it has, or that of `version`, whatever comes."""
        parts = self._parts(timeout_s)
        return parts.upgrades.pin(parts.deadline, version=version)

    def unpin(self, *, timeout_s: float | None = None) -> str | None:
        """Let the VM boot the usual image again; return the version it was pinned to, or None."""
        parts = self._parts(timeout_s)
        return parts.upgrades.unpin(parts.deadline)

    def newer_image(self, *, timeout_s: float | None = None) -> Offer:
        """Return the image in place, and what there is to upgrade to."""
        parts = self._parts(timeout_s)
        return parts.images.offer(parts.deadline)

    def images(self) -> Sequence[Found]:
        """Return the images of this machine, and the VMs that boot each."""
        from boot2docker_py.machine.images import care

        parts = self._parts()
        return care.inventory(parts.images, parts.config.iso, parts.every_vm, parts.paths)

    def prune_images(self, *, timeout_s: float | None = None) -> Pruned:
        """Remove the kept images that no VM boots.

        Raises:
            WrongStateError: it cannot be asked what a VM boots; nothing is removed.
            StorageError: some cannot be removed; the others are.
        """
        from boot2docker_py.machine.images import care

        parts = self._parts(timeout_s)
        return care.prune(parts.images, parts.every_vm, parts.paths, parts.deadline)

    def _upgraded(self, parts: Parts, upgraded: Upgraded) -> Upgraded:
        if upgraded.was_restarted:
            parts.access.settle()
        return upgraded
