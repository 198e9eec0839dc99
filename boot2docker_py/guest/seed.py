"""The seed: what we write at the start of a new data disk, for the guest to format it.

A tar archive. The official image knows the disk by its first bytes, which are the name of the
first entry, reads 4096 bytes and no more, and unpacks them to `/home/docker` at every boot
(boot2docker, files/init.d/autoformat). So the first 4096 bytes are whole entries; what only our
own image understands follows, under `.boot2docker/`, which mirrors `/var/lib/boot2docker`.
"""

from __future__ import annotations

import tarfile
from pathlib import PurePosixPath
from typing import Iterator, Mapping

from boot2docker_py.errors import UsageError

MAGIC = "boot2docker, please format-me"
NEW_MAGIC = "boot2docker, new identity"
NEW_LIMIT_BYTES = 32 * 1024
COPIED = "copied"  # the mark of a VM that is a copy of another, which is there still
OFFICIAL_BYTES = 4096
LIMIT_BYTES = 1024 * 1024
OWN_FOLDER = ".boot2docker"

BLOCK_BYTES = 512
END_OF_ARCHIVE = bytes(2 * BLOCK_BYTES)
USER_ID, GROUP_ID = 1000, 50  # docker, staff: the same on every image


def build_seed(public_key_line: str, files: Mapping[str, bytes]) -> bytes:
    """Return the seed that lets `public_key_line` in and brings `files` along.

    The names of `files` are relative to `/var/lib/boot2docker`. The same input gives the same
    bytes.

    Raises:
        UsageError: the key is too long for the official image, or the seed as a whole for ours.
    """
    seed = _official_part(public_key_line) + _own_part(files) + END_OF_ARCHIVE
    if len(seed) > LIMIT_BYTES:
        raise UsageError(
            f"the files to bring into the VM take {len(seed)} bytes",
            details=f"The start of the disk has room for {LIMIT_BYTES}.",
            resolution="Bring fewer certificates, or copy them when the VM runs.",
        )
    return seed


def build_new_seed(public_key_line: str, files: Mapping[str, bytes], *, is_copy: bool) -> bytes:
    """Return the seed that our image takes at its next boot, over what its disk has had so far.

    It is laid behind the partition table of the disk (iso/README.md, "A new identity"). A copy of
    another VM makes anew whatever two machines must not share. `files` are below `etc` and `ssh`.

    Raises:
        UsageError: the key is too long.
    """
    line = public_key_line.strip().encode() + b"\n"
    seed = _file(NEW_MAGIC, NEW_MAGIC.encode()) + _folder(".ssh", mode=0o700)
    seed += _file(".ssh/authorized_keys", line)
    seed += _own_part({**files, COPIED: b"yes\n"} if is_copy else files) + END_OF_ARCHIVE
    if len(seed) > NEW_LIMIT_BYTES:
        raise UsageError(f"the SSH key is too long: its public line has {len(line)} bytes")
    return seed


def _official_part(public_key_line: str) -> bytes:
    line = public_key_line.strip().encode() + b"\n"
    keys = _file(".ssh/authorized_keys", line)
    part = _file(MAGIC, MAGIC.encode()) + _folder(".ssh", mode=0o700) + keys
    # The original wrote the key under both names; one is enough where a long key needs the room.
    second = _file(".ssh/authorized_keys2", line)
    if len(part) + len(second) <= OFFICIAL_BYTES - BLOCK_BYTES:
        part += second
    if len(part) > OFFICIAL_BYTES:
        raise UsageError(
            f"the SSH key is too long: its public line has {len(line)} bytes",
            details=f"The guest reads {OFFICIAL_BYTES} bytes of the disk to find it.",
            resolution="Use an Ed25519 key: name a file that does not exist with --sshkey.",
        )
    padding_entries = (OFFICIAL_BYTES - len(part)) // BLOCK_BYTES
    return part + padding_entries * _folder(OWN_FOLDER)


def _own_part(files: Mapping[str, bytes]) -> bytes:
    parents = {parent for name in files for parent in PurePosixPath(name).parents}
    folders = sorted(str(parent) for parent in parents if str(parent) != ".")
    part = b"".join(_folder(f"{OWN_FOLDER}/{name}") for name in folders)
    return part + b"".join(_own_files(files))


def _own_files(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for name in sorted(files):
        mode = 0o700 if name.endswith(".sh") else 0o600
        yield _file(f"{OWN_FOLDER}/{name}", files[name], mode=mode)


def _folder(name: str, mode: int = 0o755) -> bytes:
    entry = _entry(name, mode)
    entry.type = tarfile.DIRTYPE
    return entry.tobuf(tarfile.USTAR_FORMAT)


def _file(name: str, content: bytes, mode: int = 0o600) -> bytes:
    entry = _entry(name, mode)
    entry.size = len(content)
    padding = bytes(-len(content) % BLOCK_BYTES)
    return entry.tobuf(tarfile.USTAR_FORMAT) + content + padding


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    entry.uid, entry.gid = USER_ID, GROUP_ID
    entry.uname, entry.gname = "docker", "staff"
    return entry
