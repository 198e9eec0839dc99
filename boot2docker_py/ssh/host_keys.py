"""The pinned host key of a VM: who answers must be who answered before.

The file is in OpenSSH's known_hosts form (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") with the VM's
name in place of an address, so that `ssh -o HostKeyAlias=NAME -o UserKnownHostsFile=...` reads it.
"""

from __future__ import annotations

from pathlib import Path

from boot2docker_py import whole_file
from boot2docker_py.errors import StorageError
from boot2docker_py.paths import make_missing_folders


def pinned(known_hosts: Path, host_name: str) -> str | None:
    """Return the pinned key as `TYPE BASE64`, or None if none is pinned; of several, the first.

    Raises:
        StorageError: the file is there but cannot be read; that is not "no key".
    """
    return next(iter(all_pinned(known_hosts, host_name)), None)


def all_pinned(known_hosts: Path, host_name: str) -> list[str]:
    """Return each pinned key as `pinned` does; there are two until a new disk has answered."""
    lines = (line.split() for line in _read_lines(known_hosts))
    return [" ".join(one[1:3]) for one in lines if len(one) >= 3 and one[0] == host_name]


def pin(
    known_hosts: Path, host_name: str, public_line: str, *, beside_others: bool = False
) -> None:
    """Pin the key of `host_name`, in place of any other unless it is to be beside these.

    The file changes as a whole or not at all.

    Raises:
        StorageError: the file cannot be written.
    """
    pinned = f"{host_name} {' '.join(public_line.split()[:2])}"
    kept = [
        line
        for line in _read_lines(known_hosts)
        if line.split()[:1] != [host_name] or (beside_others and line != pinned)
    ]
    text = "".join(f"{line}\n" for line in [*kept, pinned])
    try:
        make_missing_folders(known_hosts.parent)
        whole_file.write(known_hosts, text.encode())
    except OSError as error:
        raise _unusable(known_hosts, "write", error) from error


def _read_lines(known_hosts: Path) -> list[str]:
    try:
        return whole_file.read(known_hosts).decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(known_hosts, "read", error) from error


def _unusable(known_hosts: Path, verb: str, error: OSError) -> StorageError:
    return StorageError(
        f"cannot {verb} the pinned host key in '{known_hosts}'",
        details=str(error),
        resolution="Make the file and its folder readable and writable for yourself.",
    )
