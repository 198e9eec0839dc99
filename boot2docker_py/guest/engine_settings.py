"""The engine's settings that come from here, kept in the guest beside the user's own.

A folder on the guest's data disk holds what this machine wants: `engine.sh`, which the guest reads
after the user's profile; `daemon.json`, the user's /etc/docker/daemon.json with ours on top; and
`dns`, whom the guest's name server asks.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import shlex
import tarfile
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

from boot2docker_py.errors import DeadlineError, GuestError
from boot2docker_py.untrusted import parsed_json

if TYPE_CHECKING:
    from boot2docker_py.ssh.connection import Connection
    from boot2docker_py.wait import Deadline

log = logging.getLogger(__name__)

FOLDER = "/var/lib/boot2docker/boot2docker-py"
CONFIG_LIMIT_BYTES = 1024 * 1024
CERTIFICATE_PREFIX = "boot2docker-py-"
REFUSED = 65  # our script's exit status when the engine does not take the settings
# The list-like options of daemon.json, whose values here join those of the user.
_LISTS = ("registry-mirrors", "insecure-registries", "dns")

_LOOK = f"""
echo "$(cat {FOLDER}/digest 2>/dev/null)"
if [ -x /usr/lib/boot2docker/name-server ]; then echo yes; else echo no; fi
if [ -s /etc/docker/daemon.json ]; then head -c {CONFIG_LIMIT_BYTES + 1} /etc/docker/daemon.json; fi
"""

# Killed at any moment, it leaves the old settings or the new ones, and is run again.
_TAKE = f"""
trap '' HUP PIPE
new={FOLDER}.new old={FOLDER}.old now={FOLDER}
certs=/var/lib/boot2docker/certs
[ -e $now ] || [ ! -e $old ] || mv $old $now
rm -rf $new $old
mkdir -m 700 $new && tar -x -f - -C $new || exit 1
if dockerd --help 2>/dev/null | grep -q -e --validate && [ -e $new/daemon.json ]; then
    if ! words=$(dockerd --validate --config-file $new/daemon.json 2>&1); then
        rm -rf $new
        echo "$words" >&2
        exit {REFUSED}
    fi
fi
# An image that does not read the file by itself gets one line in its profile.
profile=/var/lib/boot2docker/profile
if ! grep -q boot2docker-py/engine.sh /usr/lib/boot2docker/load-profile 2>/dev/null &&
    ! grep -q boot2docker-py/engine.sh $profile 2>/dev/null; then
    echo "[ ! -e $now/engine.sh ] || . $now/engine.sh  # made by boot2docker_py" >> $profile
fi
# Our image only adds to what the system trusts: what came from here before is taken out first.
distrust() {{
    cat /etc/ssl/certs/boot2docker-{CERTIFICATE_PREFIX}*.pem > $now.gone 2>/dev/null || {{
        rm -f $now.gone
        return
    }}
    awk '
        /-----BEGIN/ {{ block = ""; inside = 1 }}
        inside {{ block = block $0 "\\n" }}
        /-----END/ {{
            inside = 0
            if (NR == FNR) gone[block] = 1
            else if (!(block in gone)) printf "%s", block
        }}
    ' $now.gone /etc/ssl/certs/ca-certificates.crt > $now.trusted &&
        cat $now.trusted > /etc/ssl/certs/ca-certificates.crt
    rm -f $now.gone $now.trusted /etc/ssl/certs/boot2docker-{CERTIFICATE_PREFIX}*.pem
    for link in /etc/ssl/certs/*.0; do [ -e "$link" ] || rm -f "$link"; done
}}
use() {{
    rm -f $certs/{CERTIFICATE_PREFIX}*
    distrust
    if [ -d $now/certs ]; then mkdir -p $certs && cp $now/certs/* $certs/; fi
    if [ -x /usr/lib/boot2docker/certificate-authorities ]; then
        /usr/lib/boot2docker/certificate-authorities < /dev/null > /dev/null 2>&1
    fi
    /etc/init.d/docker restart < /dev/null
}}
[ ! -e $now ] || mv $now $old
mv $new $now
if words=$(use 2>&1); then
    sync
    rm -rf $old
    exit 0
fi
rm -rf $now
[ ! -e $old ] || mv $old $now
use > /dev/null 2>&1
echo "$words" >&2
tail -n 3 /var/lib/boot2docker/log/docker.log >&2
exit {REFUSED}
"""


class EngineSettings(NamedTuple):
    """What this machine wants of the engine."""

    options: Mapping[str, Any] = {}  # of daemon.json
    environment: Mapping[str, str] = {}
    certificates: Mapping[str, bytes] = {}  # authorities, by the names of their files


def apply(connection: Connection, settings: EngineSettings, deadline: Deadline) -> bool:
    """Bring the settings into the guest and restart the engine; tell whether they are new there.

    Raises:
        GuestError: the engine refuses them, and goes on with those of before.
        DeadlineError: the guest did not answer in time.
    """
    found = connection.run(_as_root(_LOOK), timeout_s=deadline.remaining_s())
    digest, has_name_server, config = (*found.stdout.split(b"\n", 2), b"", b"")[:3]
    files = _files(settings, _parsed(config.strip()), has_name_server=has_name_server == b"yes")
    wanted = _digest(files) if files else ""
    if digest.decode("ascii", "replace").strip() == wanted:
        return False
    log.info("The engine restarts, to take its settings.")
    archive = _archive({**files, "digest": wanted.encode() + b"\n"})
    given_s = deadline.remaining_s()
    try:
        done = connection.run(_as_root(_TAKE), stdin=archive, timeout_s=given_s)
    except DeadlineError as error:
        raise DeadlineError(
            f"the engine did not restart with its settings within {given_s:.0f} s",
            details="The VM is slow, or something in it holds the engine up; it goes on.",
            resolution="Run the command again, or give it more time with --timeout.",
        ) from error
    if done.status != 0:
        raise GuestError(
            "the engine does not take its settings; it goes on with those of before",
            details=done.stderr.decode(errors="replace"),
            resolution="Correct them; where each comes from is shown by: boot2docker config",
        )
    return True


def merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's daemon.json with our options on top; lists are joined."""
    both = dict(theirs)
    for key, value in ours.items():
        present = theirs.get(key)
        if key in _LISTS and isinstance(present, list):
            value = [*present, *(item for item in value if item not in present)]
        both[key] = value
    return both


def _as_root(script: str) -> str:
    return f"sudo -n sh -c {shlex.quote(script)}"


def _parsed(config: bytes) -> Mapping[str, Any]:
    if len(config) > CONFIG_LIMIT_BYTES:
        raise GuestError(
            "the file /etc/docker/daemon.json in the VM is too long to be joined with the settings"
        )
    try:
        value = parsed_json(config) if config else {}
    except ValueError as error:
        value = error
    if not isinstance(value, dict):
        raise GuestError(
            "the file /etc/docker/daemon.json in the VM is no JSON object",
            details=str(value),
            resolution="Correct it: boot2docker ssh sudo nano /etc/docker/daemon.json",
        )
    return value


def _files(
    settings: EngineSettings, config: Mapping[str, Any], *, has_name_server: bool = False
) -> dict[str, bytes]:
    """Return the files of our folder in the guest, none when nothing is wanted."""
    lines = [
        f"export {name}={shlex.quote(value)}"
        for name, value in sorted(settings.environment.items())
    ]
    files = {
        f"certs/{CERTIFICATE_PREFIX}{name}": content
        for name, content in settings.certificates.items()
    }
    options = dict(settings.options)
    if has_name_server and "dns" in options and "dns" not in config:
        # Asked by the name server of the image, which knows the user's machine, too.
        servers = options.pop("dns")
        files["dns"] = "".join(f"nameserver {one}\n" for one in servers).encode()
    if options:
        both = merged(config, options)
        files["daemon.json"] = json.dumps(both, indent=2, sort_keys=True).encode() + b"\n"
        lines.append(f'EXTRA_ARGS="$EXTRA_ARGS --config-file {FOLDER}/daemon.json"')
    if lines:
        # A profile alone closes the TLS port of the official image.
        text = ["# Made by boot2docker_py.", ': "${DOCKER_REMOTE:=yes}"', *lines, ""]
        files["engine.sh"] = "\n".join(text).encode()
    return files


def _digest(files: Mapping[str, bytes]) -> str:
    sums = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in files.items()]
    return hashlib.sha256("\n".join(sorted(sums)).encode()).hexdigest()


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
