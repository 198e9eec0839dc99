"""Why a VM of VirtualBox does not start: from what the API says, and from the VM's logs."""

from __future__ import annotations

import re
from pathlib import Path

from boot2docker_py.advice import KnownFailure, diagnose
from boot2docker_py.drivers.virtualbox.binding.known_failures import TABLE
from boot2docker_py.errors import Boot2DockerError, HypervisorError

SHOWN_LINES = 5
# What is read of a log: its end tells of the failure, its whole may be many megabytes.
READ_BYTES = 1 << 18
_CLOCK_STEP_S = 2.0  # of the times of files, on the coarsest file system (FAT)

# Lines that tell of a failure; others name codes that harm nothing.
_OF_FAILURE = r"(?m)VMSetError|Power up failed|Failed to |rc=-|^Error "
# What VBoxHardening.log says of programs that put themselves into others: a mask, then each
# file with its version resource. The bits of the mask differ between versions.
_ADVERSARIES = (
    r"(?s)supR3HardenedWinFindAdversaries: 0x0*[1-9a-f][0-9a-f]*\s*\n(.*?)(?=\n[^\n]*supR3|\Z)"
)
_PRODUCT = r"ProductName:\s+(\S.*)"
# VM runtime error: fatal=false, errorID=DrvVD_DISKFULL message="Host system reported disk full..."
_RUNTIME_ERROR = r"VM runtime error: [^\r\n]*errorID=(DrvVD_DISKFULL[^\r\n]*)"
_FILE = r"(?m)\\([^\\\s]+\.sys):\s*$"


def of_failed_start(
    name: str, words: str, logs: Path, began_s: float, platform: str, *, in_window: bool = False
) -> Boot2DockerError:
    """Return the error for a VM that did not start, with the advice that fits.

    `words` is what the API says; `logs` is the VM's folder of logs. Those of an earlier start,
    before `began_s`, say nothing.
    """
    log = end_of(logs / "VBox.log", began_s)
    hardening = end_of(logs / "VBoxHardening.log", began_s) if platform == "win32" else ""
    found = diagnose(TABLE, [words, failures_in(log), failures_in(hardening)], platform)
    brief = f"VirtualBox does not start the VM '{name}'" + " in a window" * in_window
    details = "\n".join([words, *log.splitlines()[-SHOWN_LINES:]])
    other_way = "\nOr omit --gui." * in_window
    if not found:
        return HypervisorError(brief, details=details, resolution=f"See {logs}.{other_way}")
    return found[0].kind(
        f"{brief}: {found[0].diagnosis}",
        details=details,
        resolution=f"{_advice(found[0], hardening)}\nMore is in {logs}.{other_way}",
    )


def of_pause(log: str) -> str:
    """Return why VirtualBox has paused a VM by itself, out of the end of its log; empty if not."""
    since_it_ran = log[max(0, log.rfind("to 'RUNNING'")) :]
    found = re.findall(_RUNTIME_ERROR, since_it_ran)
    return found[-1].strip() if found else ""


def _advice(known: KnownFailure, hardening: str) -> str:
    products = adversaries(hardening) if known.id == "VBOX_HARDENING" else []
    return f"It names {', '.join(products)}. {known.advice}" if products else known.advice


def failures_in(log: str) -> str:
    """Return the lines of a log that tell of a failure."""
    return "\n".join(line for line in log.splitlines() if re.search(_OF_FAILURE, line))


def adversaries(hardening_log: str) -> list[str]:
    """Return the programs that VBoxHardening.log finds in its way, by product or by file."""
    block = re.search(_ADVERSARIES, hardening_log)
    if block is None:
        return []
    products = [product.strip() for product in re.findall(_PRODUCT, block[1])]
    return list(dict.fromkeys(products or re.findall(_FILE, block[1])))


def end_of(file: Path, since_s: float) -> str:
    """Return the end of a log; empty when the VM did not come so far as to write one."""
    try:
        if file.stat().st_mtime < since_s - _CLOCK_STEP_S:
            return ""
        with file.open("rb") as content:
            content.seek(max(0, file.stat().st_size - READ_BYTES))
            return content.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
