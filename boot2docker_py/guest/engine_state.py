"""What became of an engine that does not answer: asked of the guest, in words of its own.

By what every image has: the process `dockerd`, the script `/etc/init.d/docker` that starts it, the
user's `bootsync.sh` that it waits for, and the engine's log.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from boot2docker_py.guest.names import LOGS
from boot2docker_py.untrusted import number

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection

WORDS_LENGTH = 600
LONGEST_S = 10**8

# Field 22 of /proc/PID/stat is when the process began, in hundredths of a second since the boot.
# The brackets keep pgrep from finding the shell that runs this.
_SCRIPT = """
waits_for() {
    pid=$(pgrep -o -f "$2") || return
    set -- "$1" $(sed 's/.*) //' "/proc/$pid/stat")
    read -r up _ < /proc/uptime
    echo "waits $((${up%.*} - ${21} / 100)) $1"
}
! pidof dockerd > /dev/null || echo lives
[ ! -s /var/run/docker.pid ] || echo killed
! pgrep -f '/etc/init.d/[d]ocker' > /dev/null || echo starts
waits_for bootsync.sh '/[b]ootsync.sh'
for log in LOGS; do
    ! sudo -n test -s "$log" || { echo log; sudo -n tail -n 20 "$log" | cut -c 1-1000; break; }
done 2> /dev/null
"""


class EngineState(NamedTuple):
    """What the guest tells of its engine."""

    has_ended: bool = False  # in order, and nothing is about to start it
    script: str = ""  # of the user, which has not ended and holds the engine up
    script_s: int = 0  # for how long
    last_words: str = ""  # of the engine's log

    @property
    def waits(self) -> str:
        """Return what the engine waits for, empty when for nothing."""
        return f"{self.script} has been running for {self.script_s} s" if self.script else ""


def look(connection: Connection, timeout_s: float) -> EngineState:
    """Ask the guest what became of its engine.

    Raises:
        DeadlineError: it does not tell in time.
        GuestError: the connection was lost.
    """
    script = _SCRIPT.replace("LOGS", shlex.join(LOGS["engine"]))
    result = connection.run(["sh", "-c", script], timeout_s=timeout_s)
    return read(result.stdout.decode(errors="replace"))


def read(told: str) -> EngineState:
    """Return the state out of what the guest has said."""
    head, has_log, log = told.partition("log\n")
    facts = head.splitlines()
    waits = next((line.split(" ", 2) for line in facts if line.startswith("waits ")), [])
    script, script_s = "", 0
    if len(waits) == 3:
        script, script_s = waits[2][:100], number(waits[1], 0, LONGEST_S) or 0
    is_about_to_live = {"lives", "killed", "starts"} & set(facts) or script
    words = [line.strip() for line in log.splitlines() if line.strip()]
    return EngineState(
        has_ended=bool(has_log) and not is_about_to_live,
        script=script,
        script_s=script_s,
        last_words=words[-1][-WORDS_LENGTH:] if words else "",
    )
