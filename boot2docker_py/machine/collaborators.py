"""What the life of a VM needs of the rooms `endpoint` and `image`, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, ContextManager, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from boot2docker_py.address import Address
    from boot2docker_py.image import Image, StagedImage
    from boot2docker_py.image.kept import Kept
    from boot2docker_py.wait import Deadline


class Endpoint(Protocol):
    """What the life of a VM needs of the room `endpoint`."""

    def start(self, address: Address, deadline: Deadline) -> None:
        """Run the forwarder to the SSH server at `address`; one that already does is kept."""

    def unready(self) -> str | None:
        """Return why the engine cannot be reached over SSH yet, None when it can.

        Raises:
            GuestError: waiting does not help.
        """

    def ping(self, timeout_s: float = ...) -> str | None:
        """Return why the engine does not answer on the forwarded socket, None when it does."""

    def expect_stop(self) -> None:
        """End what the engine would wait for at its end; docker's own connections stay."""

    def rest(self) -> None:
        """Let go of the VM, which is about to stop; `start` goes on."""

    def stop(self) -> None:
        """End the forwarder, if there is one."""


class Shares(Protocol):
    """What the life of a VM needs of a guest that mounts shared folders itself."""

    def release_shares(self, deadline: Deadline) -> None:
        """Unmount the shared folders.

        Raises:
            WrongStateError: something uses them; nothing is changed.
        """

    def mount_shares(self, deadline: Deadline) -> None:
        """Mount those that are not mounted."""


class NoShares:
    """A guest that mounts none."""

    def release_shares(self, deadline: Deadline) -> None:
        """Do nothing."""

    def mount_shares(self, deadline: Deadline) -> None:
        """Do nothing."""


class Images(Protocol):
    """What the life of a VM needs of the room `image`."""

    def ensure(self, deadline: Deadline) -> Image:
        """Return the image that is in place, fetched first when there is none."""

    def is_ours_at(self, path: Path) -> bool:
        """Tell whether the image at the path is one of ours; False without one."""


class ImageExchange(Images, Protocol):
    """What the exchange of images needs of the room `image`."""

    def stage(self, deadline: Deadline, permit: Callable[[], None] = ...) -> StagedImage | None:
        """Put a newer, verified image beside the present one; None when there is none."""

    def stage_version(
        self, version: str, deadline: Deadline, permit: Callable[[], None] = ...
    ) -> StagedImage | None:
        """Put the image of a version beside the present one; None when that is it."""

    def stage_before(self, deadline: Deadline, permit: Callable[[], None] = ...) -> StagedImage:
        """Put the image that was in place before beside the present one."""

    def kept_alone(self, deadline: Deadline) -> ContextManager[Kept]:
        """Yield the images that are kept, while no other command changes them."""
