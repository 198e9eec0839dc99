"""Copy files and folders into the guest and out of it, over SSH, with `tar` at the other end.

`tar` is in every image, where SFTP may not be; and it keeps rights, times, links and any name.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

from boot2docker_py import untrusted
from boot2docker_py.errors import Boot2DockerError, GuestError
from boot2docker_py.guest.copy import archive, packing, places, unpacking
from boot2docker_py.guest.copy.streams import NOT_USABLE, Streams
from boot2docker_py.ssh.command import begin
from boot2docker_py.ssh.connection import Connection
from boot2docker_py.ssh.errors import LOST

log = logging.getLogger(__name__)

# Arguments: what it becomes, the folder of that, its name if it goes into a folder, yes if it must.
# All of it is made beside the target and then renamed. What comes from a connection that was cut
# off lacks its last member. Folders that are not there yet are renamed as a whole.
RECEIVE = f"""
fail() {{ echo "$1" >&2; exit {NOT_USABLE}; }}
target=$1 parent=$2
case $target in /*) ;; *) target=$PWD/$target parent=$PWD/$parent ;; esac
if [ -d "$target" ]; then parent=$target target=$target/$3
elif [ "$4" = yes ]; then fail "'${{1#./}}' is not a folder in the VM"
fi
[ -d "$parent" ] || fail "there is no folder '$2' in the VM"
temporary=$(mktemp -d "$parent/.boot2docker-cp.XXXXXX") || exit 1
trap 'rm -rf "$temporary"' EXIT
# A signal, as of a message to a client that has gone, would end dash without its trap of EXIT.
trap 'exit 1' HUP INT PIPE TERM
tar -x -p -f - -C "$temporary" || exit 1
[ -e "$temporary/{packing.WHOLE}" ] || {{ echo "not all of it came" >&2; exit 1; }}
new=$temporary/{packing.NEW}
if [ ! -d "$new" ]; then
    [ ! -d "$target" ] || fail "'$target' is there, and is a folder"
    mv -f "$new" "$target"
elif [ ! -e "$target" ]; then
    mv "$new" "$target"
elif [ ! -d "$target" ]; then
    fail "'$target' is there, and is not a folder"
else
    cd "$new" || exit 1
    find . -type d ! -exec test -e "$target/{{}}" \\; -exec mv {{}} "$target/{{}}" \\; -prune
    find . ! -type d -exec sh -c 'for file do
        [ ! -L "$0/$file" ] || rm -f "$0/$file"
        if [ -d "$0/$file" ]; then echo "$0/$file is there, and is a folder" >&2
        else mv -f "$file" "$0/$file"; fi
    done' "$target" {{}} +
    [ -z "$(find . ! -type d | head -n 1)" ]
fi
"""

# Argument: what to send. A file goes without tar, which takes the backslashes out of names.
SEND = f"""
if [ -d "$1" ]; then
    echo folder
    cd "$1" && exec tar -c -f - .
elif [ -f "$1" ]; then
    stat -L -c "file %s %a %Y" "$1" && exec cat < "$1"
elif [ -e "$1" ]; then
    echo "'${{1#./}}' is neither a file nor a folder" >&2
else
    echo "there is no '${{1#./}}' in the VM" >&2
fi
exit {NOT_USABLE}
"""

Report = Callable[[int, int], None]  # the bytes copied so far, and of all, 0 when that is unknown


@dataclass(frozen=True)
class Copied:
    """What was copied."""

    source: str
    target: str
    files: int
    size_bytes: int

    def as_dict(self) -> dict[str, object]:
        """Return plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Copier:
    """Copies over one connection; gives up when nothing moves for `patience_s`."""

    connection: Connection
    patience_s: float
    report: Report
    as_root: bool = False
    target_is_folder: bool = False  # else it may also be the new name

    def into_vm(self, source: str, target: str) -> Copied:
        """Copy a file or folder of this machine into the guest.

        Raises:
            UsageError: there is no such source, or the target cannot be its place.
            StorageError: the source cannot be read.
            GuestError: the target cannot be written, or the connection was lost.
            DeadlineError: nothing moved any more.
        """
        entries = packing.entries(Path(source))
        total_bytes = sum(entry.size_bytes for entry in entries)
        must = target.endswith("/") or self.target_is_folder
        path = _not_a_flag(target)
        parent = posixpath.dirname(path.rstrip("/")) or "/"
        name = places.name_of(Path(source).name)
        command = self._command(RECEIVE, path, parent, name, "yes" if must else "no")
        with self.connection.open_session() as channel:
            begin(channel, command)
            streams = Streams(channel, self.patience_s)
            sent = 0
            try:
                for data in packing.packed(entries):
                    streams.write(data)
                    sent += len(data)
                    self.report(min(sent, total_bytes), total_bytes)
                channel.shutdown_write()
            except LOST as error:
                log.debug("the guest takes no more: %s", error)
            streams.end(f"cannot write 'vm:{target}'")
        files = sum(not entry.is_folder for entry in entries)
        return Copied(source, f"vm:{target}", files, total_bytes)

    def from_vm(self, source: str, target: str) -> Copied:
        """Copy a file or folder of the guest to this machine.

        Raises:
            UsageError: there is no such source, or the target cannot be its place.
            StorageError: the target cannot be written.
            GuestError: the source cannot be read, or the connection was lost.
            DeadlineError: nothing moved any more.
        """
        must = target.endswith(("/", os.sep)) or self.target_is_folder
        name = places.name_of(source)
        place = unpacking.place_for(target, name, must_be_folder=must)
        with self.connection.open_session() as channel, unpacking.folder_beside(place) as folder:
            begin(channel, self._command(SEND, _not_a_flag(source)))
            channel.shutdown_write()
            streams = Streams(channel, self.patience_s)
            new = folder / packing.NEW
            failure: Boot2DockerError | None = None
            files = 0
            try:
                files = self._receive(streams, new)
            except GuestError as error:
                failure = error  # the guest may know better why
            if failure and not streams.has_ended():
                raise failure
            streams.end(f"cannot read 'vm:{source}'")
            if failure:
                raise failure
            unpacking.put_in_place(new, place)
        return Copied(f"vm:{source}", str(place), files, streams.received_bytes)

    def _receive(self, streams: Streams, new: Path) -> int:
        kind, *facts = streams.line().split() or [""]
        if kind == "folder":
            streams.report = lambda count: self.report(count, 0)
            return unpacking.unpack(streams, new)
        if kind == "file":
            total_bytes, mode, changed_at_s = facts_of_file(facts)
            streams.report = lambda count: self.report(count, max(count, total_bytes))
            return unpacking.receive(streams, new, mode, changed_at_s)
        return 0

    def _command(self, script: str, *arguments: str) -> str:
        words = ["sh", "-c", script, "boot2docker-cp", *arguments]
        return shlex.join(["sudo", "-n", *words] if self.as_root else words)


def facts_of_file(words: list[str]) -> tuple[int, int, int]:
    """Return size, access rights and time of what `stat` says in the guest."""
    if len(words) == 3 and re.fullmatch("[0-7]{1,5}", words[1], re.ASCII):
        size_bytes = untrusted.number(words[0], 0, archive.MEMBER_BYTES)
        changed_at_s = untrusted.number(words[2], archive.EARLIEST_S, archive.LATEST_S)
        if size_bytes is not None and changed_at_s is not None:
            return size_bytes, int(words[1], 8), changed_at_s
    raise archive.damaged(" ".join(words))


def _not_a_flag(path: str) -> str:
    return path if path.startswith("/") else f"./{path}"
