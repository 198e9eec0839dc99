"""What our guest found wrong: files of the user that it cannot use, scripts that failed.

The guest writes the list (`problem` in `iso/root/usr/lib/boot2docker/common`); other images have
none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

PLACE = "/run/boot2docker/problems"
MOST = 20
LENGTH = 400


def look(connection: Connection, timeout_s: float) -> list[str]:
    """Return the last problems of this boot, one a line, none where the guest keeps no list.

    Raises:
        DeadlineError: it does not tell in time.
        GuestError: the connection was lost.
    """
    result = connection.run(["tail", "-n", str(MOST), PLACE], timeout_s=timeout_s)
    lines = result.stdout[: MOST * LENGTH].decode("utf-8", errors="replace").splitlines()
    return [line.strip()[:LENGTH] for line in lines if line.strip()]
