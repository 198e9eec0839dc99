"""What the guest's kernel counts time by, replaced when it counts wrongly.

A kernel measures its CPU's counter (TSC) once, as it boots, and on a machine that is busy it may
believe a measurement that is wrong: seen, on three VMs of QEMU with half a core, "tsc: PIT
calibration deviates from HPET: 159479 2297744; Using PIT calibration value". Its clock is 14 times
too fast then, and every limit of time in the guest is that much shorter: engines give each
other up.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

# How long the two clocks are compared; both can be read in whole seconds only.
COMPARED_S = 5
# Prints the source that was chosen. $1: the folder of the kernel's choice, $2: the hardware's
# clock, $3: the time since the boot.
SCRIPT = f"""
choice=$1/current_clocksource
[ "$(cat "$choice")" = tsc ] || exit 0
# What passes between two looks is counted for the hardware: a busy guest is not a fast one.
hardware=$(cat "$2") || exit 1
running=$(cut -d. -f1 "$3") || exit 1
counted=0 passed=0 looks=0
until [ "$counted" -ge {COMPARED_S} ] && [ "$passed" -ge {COMPARED_S} ]; do
    looks=$((looks + 1))
    [ "$looks" -lt 200 ] || exit 1
    sleep 0.2
    counted=$(($(cut -d. -f1 "$3") - running))
    passed=$(($(cat "$2") - hardware))
done
[ $((2 * counted)) -gt $((3 * passed + 4)) ] || exit 0
for source in hpet acpi_pm; do
    echo "$source" > "$choice" 2> /dev/null && echo "$source" && exit 0
done
exit 1
"""
PLACES = (
    "/sys/devices/system/clocksource/clocksource0",
    "/sys/class/rtc/rtc0/since_epoch",
    "/proc/uptime",
)


def replace_if_fast(connection: Connection, deadline: Deadline) -> bool:
    """Let the kernel count by a slower source where its own is too fast; tell whether it does."""
    command = ["sudo", "-n", "sh", "-c", SCRIPT, "sh", *PLACES]
    result = connection.run(command, timeout_s=deadline.remaining_s())
    if result.status != 0:
        log.debug("the guest's source of time: %s", result.stderr.decode(errors="replace"))
    return result.status == 0 and bool(result.stdout.strip())
