"""The user's scripts, run in the guest once or at each boot; their output is a log."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Sequence

from boot2docker_py.errors import DeadlineError, GuestError, StorageError

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

ALWAYS = "always:"
SCRIPT_LIMIT_BYTES = 1024 * 1024
FOLDER = "/var/lib/boot2docker/provisioned"
LOG = "/var/lib/boot2docker/log/provision.log"
NOTHING_TO_DO = 66
SAY_AFTER_S = 10.0

# The mark is written when the script has ended well, so one that was cut off runs again.
_RUN = f"""
name=$1 mark={FOLDER}/$1 wanted=$2
[ "$3" = once ] || wanted="$wanted $(cat /proc/sys/kernel/random/boot_id)"
if [ "$(cat "$mark" 2>/dev/null)" = "$wanted" ]; then exit {NOTHING_TO_DO}; fi
mkdir -p {FOLDER} /var/lib/boot2docker/log
file=$(mktemp)
trap 'rm -f "$file"' EXIT
cat > "$file"
chmod 700 "$file"
echo "== $name, $(date -u +%FT%TZ)" >> {LOG}
case $(head -c 2 "$file") in "#!") set -- "$file" ;; *) set -- sh "$file" ;; esac
"$@" < /dev/null >> {LOG} 2>&1
status=$?
echo "== $name ended with $status" >> {LOG}
if [ $status = 0 ]; then
    echo "$wanted" > "$mark.new" && mv "$mark.new" "$mark" && sync
else
    tail -n 6 {LOG} >&2
fi
exit $status
"""


def run(
    connection: Connection,
    scripts: Sequence[str],
    deadline: Deadline,
    say_after_s: float = SAY_AFTER_S,
) -> list[str]:
    """Run the scripts that have not run yet, in order; return their names.

    One that takes longer than `say_after_s` is named while it runs.

    Raises:
        GuestError: one failed; those after it did not run.
        DeadlineError: one did not end in time.
        StorageError: one cannot be read.
    """
    return [name for word in scripts for name in _run(connection, word, deadline, say_after_s)]


@contextlib.contextmanager
def _named_while_it_runs(name: str, say_after_s: float) -> Iterator[None]:
    """Say which script it is that takes long, while a `with` block lasts."""
    words = "The script '%s' still runs in the VM; what it does: boot2docker logs provision"
    timer = threading.Timer(say_after_s, log.info, (words, name))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _run(connection: Connection, word: str, deadline: Deadline, say_after_s: float) -> list[str]:
    is_for_each_boot = word.startswith(ALWAYS)
    file = Path(word[len(ALWAYS) :] if is_for_each_boot else word)
    content = read(file)
    digest = hashlib.sha256(content).hexdigest()
    often = "always" if is_for_each_boot else "once"
    command = ["sudo", "-n", "sh", "-c", _RUN, "provision", file.name, digest, often]
    try:
        with _named_while_it_runs(file.name, say_after_s):
            done = connection.run(command, stdin=content, timeout_s=deadline.remaining_s())
    except DeadlineError as error:
        raise DeadlineError(
            f"the script '{file.name}' did not end in the VM in time",
            resolution="See what it does: boot2docker logs provision; more time: --timeout 10m",
        ) from error
    if done.status == NOTHING_TO_DO:
        return []
    if done.status != 0:
        raise GuestError(
            f"the script '{file.name}' failed in the VM, with exit status {done.status}",
            details=done.stderr.decode(errors="replace"),
            resolution="boot2docker logs provision",
        )
    log.info("The script '%s' has run in the VM.", file.name)
    return [file.name]


def read(file: Path) -> bytes:
    """Return a script as the guest's shell reads it, whatever editor wrote it.

    Raises:
        StorageError: it cannot be read, or is too long for a script.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(SCRIPT_LIMIT_BYTES + 1)
    except OSError as error:
        raise StorageError(f"cannot read the script '{file}'", details=str(error)) from error
    if len(content) > SCRIPT_LIMIT_BYTES:
        raise StorageError(f"'{file}' is too long for a script: more than 1 MB")
    without_mark = content[3:] if content.startswith(b"\xef\xbb\xbf") else content
    return without_mark.replace(b"\r\n", b"\n")
