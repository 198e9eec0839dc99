"""The seed that is laid into a disk whose guest has its data already: a new name and new keys."""

from __future__ import annotations

from boot2docker_py.errors import WrongStateError

# Where on the data disk a guest that has a data disk already finds a seed, and how long that may
# be: between the partition table and the first partition, in the first 64 KB, which every format
# of a disk keeps as one piece.
NEW_SEED_AT_BYTES = 32 * 1024
NEW_SEED_LIMIT_BYTES = 32 * 1024


def may_be_laid(new_seed: bytes, there: bytes) -> bool:
    """Tell whether a new seed may take the place of what is `there`: zeros, or another such seed.

    Seeds are known by the name of their first entry, 100 bytes of a tar archive.
    """
    return not any(there) or there[:100] == new_seed[:100]


def no_room_for_seed(name: str) -> WrongStateError:
    """Return the error for a disk that has something else where a new seed would lie."""
    return WrongStateError(
        f"the disk of VM '{name}' has no room for a new name and new keys",
        details="its first partition begins where those would lie",
        resolution="Keep the old ones: --keep-keys",
    )
