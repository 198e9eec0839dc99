"""The page of known failures: made from the tables of the code, and from what docker itself says.

`generate.py` writes it.
"""

from __future__ import annotations

from typing import Iterator, Sequence

from boot2docker_py.advice import KnownFailure
from boot2docker_py.cli import broken_imports
from boot2docker_py.drivers.virtualbox.binding import known_failures

SYSTEMS = {"win32": "Windows", "linux": "Linux", "darwin": "macOS"}

# What the docker client and the engine say, which boot2docker does not hear: words, meaning, what
# to do. Where it was met: moby, docker-py, and docker-archive-public/docker.machine on GitHub.
OF_DOCKER = (
    (
        "error mounting ... to rootfs ...: not a directory: Are you trying to mount a directory "
        "onto a file (or vice-versa)?",
        "`-v` named what the VM does not see of this machine, so that the engine made an empty "
        "folder of that name in the VM; likewise when a mounted folder is empty",
        "`boot2docker doctor` names such mounts (`mounts`) and what is shared. Share it: "
        "`boot2docker restart --vbox-share DIR`; or copy: `boot2docker cp`, `docker cp`.",
    ),
    (
        "Testcontainers: Can not connect to Ryuk; error while creating mount source path ... "
        "docker.sock",
        "a container was given the path of the engine's socket on this machine; in the VM it is "
        "`/var/run/docker.sock`",
        "`boot2docker shellinit` sets what Testcontainers needs; elsewhere: "
        "`TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=/var/run/docker.sock`. With docker itself: "
        "`-v /var/run/docker.sock:/var/run/docker.sock`.",
    ),
    (
        "Cannot connect to the Docker daemon at ... Is the docker daemon running?",
        "docker looks for an engine elsewhere, or the VM is not running",
        "`boot2docker up`. Then, if an old `DOCKER_HOST` is set in this shell, take it back: "
        "`boot2docker shellinit --unset`, or set the right one: `boot2docker shellinit`.",
    ),
    (
        "client version 1.5x is too new. Maximum supported API version is 1.40",
        "the official image's engine is of 2020; today's docker clients do not speak to it",
        "Take the image that `make iso` builds ([images.md](images.md)). Or, with a client that "
        "still can: `DOCKER_API_VERSION=1.40`.",
    ),
    (
        "x509: certificate is valid for 192.168.59.103, not ...",
        "the engine's certificates were made for another address",
        "`boot2docker shellinit --tls` again, or do without TLS: the forwarded socket needs none.",
    ),
    (
        "x509: certificate has expired or is not yet valid",
        "the VM's clock is behind, as after a sleep, or the certificates are a year old",
        "`boot2docker restart`, then `boot2docker shellinit --tls` again.",
    ),
    (
        r"malformed HTTP response \"\x15\x03\x01...\"; Are you trying to connect to a TLS-enabled "
        "daemon without TLS?",
        "`DOCKER_HOST` is set, and what belongs to it (`DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`) "
        "is not",
        "Set all of them: `boot2docker shellinit --tls`.",
    ),
    (
        "Error response from daemon: ... x509: certificate signed by unknown authority",
        "the network's proxy answers in the registry's place, with a certificate that the VM does "
        "not trust",
        "Put that certificate, as PEM, into `/var/lib/boot2docker/certs` in the VM (`boot2docker "
        "ssh`), then `boot2docker restart`: [windows.md](windows.md#behind-a-companys-proxy).",
    ),
    (
        "no space left on device",
        "the VM's data disk is full",
        "`boot2docker ssh df -h /var/lib/docker`, then `docker system prune`. For a larger "
        "disk: `boot2docker set --disksize 40GB --restart`.",
    ),
    (
        "error initializing graphdriver; driver aufs",
        "the images on the data disk are of a kind (AUFS) that engines from 18.09 on cannot read",
        "Go back to the image before (`--iso`), save what matters with `docker save`, and make the "
        "VM anew.",
    ),
    (
        "the input device is not a TTY",
        "Git Bash's window is not a console of Windows",
        "Put `winpty` before the command. Paths in it are rewritten unless "
        "`MSYS_NO_PATHCONV=1` is set.",
    ),
)

# What boot2docker says itself, where the reason is outside of it.
OURS = (
    (
        "another SSH host key than before answers for the VM",
        "another VM or program has the VM's port on 127.0.0.1, or its key was changed",
        "End the other, then `boot2docker up`, which takes another port if need be.",
    ),
    (
        "the certificate of '...' is not trusted",
        "the company's proxy opens TLS; the words name who signed",
        "`--cacert FILE.pem`, or have it installed in the operating system's store.",
    ),
    (
        "gave up after ... s waiting for ...",
        "the time of `--timeout` was over; the words say what was waited for, and the last reason",
        "Run the command again, which goes on; or give it more time with `--timeout`.",
    ),
)


def troubleshooting_page() -> str:
    """Return docs/troubleshooting.md: what others say when it fails, and what to do."""
    parts = [
        "# Troubleshooting, by the words of the error",
        "Made from the code by `make docs`: the tables of VirtualBox and of Python are those from "
        "which boot2docker gives its advice. Search this page for a word of the error in "
        "capitals, or for its number.",
        "The log of all commands is `boot2docker.log` in the folder ([files.md](files.md)); "
        "`boot2docker -v` says more on the screen. VirtualBox's own logs are in `Logs` in the "
        "VM's folder there; the error names it.",
        "*Probably* marks a guess: more than one cause has these words. The number is the exit "
        "status.",
        "## VirtualBox",
        _table(known_failures.TABLE),
        "## Python",
        _table(broken_imports.TABLE),
        "## docker and the engine",
        "These are words of the docker client, which boot2docker does not hear.",
        _plain(OF_DOCKER),
        "## boot2docker itself",
        _plain(OURS),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[KnownFailure]) -> str:
    return "\n".join(
        ["| the words | what it means | what to do | on | |", "|---|---|---|---|---|", *_rows(rows)]
    )


def _rows(rows: Sequence[KnownFailure]) -> Iterator[str]:
    for row in rows:
        systems = ", ".join(SYSTEMS[platform] for platform in row.platforms) or "all"
        status = row.kind.exit_status
        yield _cells(
            f"`{row.example}`",
            _sentence(row.diagnosis),
            row.advice,
            systems,
            f"{status} `{row.id}`",
        )


def _plain(rows: Sequence[tuple[str, str, str]]) -> str:
    lines = [_cells(f"`{words}`", _sentence(meaning), advice) for words, meaning, advice in rows]
    return "\n".join(["| the words | what it means | what to do |", "|---|---|---|", *lines])


def _sentence(words: str) -> str:
    first = words if words.startswith("macOS") else words[0].upper() + words[1:]
    return f"{first}."


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
