"""The pages that say how to do something, and which of their commands the one real VM runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Collection, Iterator

PAGES = sorted((Path(__file__).parents[1] / "docs" / "how-to").glob("*.md"))

# These are run on the VM that all tests of a tier share: they leave it as it was.
ON_ONE_VM = {
    "clean-state-in-ci.md": (),
    "compose-and-buildx.md": ("boot2docker up", "docker build ."),
    "custom-image.md": (),
    "memory-and-disk.md": ("boot2docker set",),
    "move.md": ("boot2docker up",),
    "project-folders.md": (),
    "proxy-and-certificates.md": ("boot2docker up",),
    "reach-this-machine.md": (),
    "registries-and-mirrors.md": ("docker info",),
    "two-vms.md": ("boot2docker ls",),
    "uninstall.md": ("boot2docker uninstall",),
    "update.md": ("boot2docker images", "boot2docker doctor"),
}

# Why none of the tests runs these.
NOWHERE = {
    "docker compose up -d": "its plugin is the user's own",
    "docker pull alpine": "there is no registry here",
    'make iso PACKAGES="ipvsadm htop"': "it builds for minutes, from a mirror of Debian",
    "mv ~/.local/share/boot2docker /big/boot2docker": "no other disk is here",
    "export BOOT2DOCKER_DIR=/big/boot2docker": "no other disk is here",
    "docker run --rm -v /work:/src busybox ls /src": "tests of shared folders run its like",
    "docker run --rm busybox wget -qO- http://host.docker.internal:8000": (
        "tests of names run its like"
    ),
    "docker --context second ps": "there is no second VM",
    "pipx inject --force boot2docker-py boot2docker_image-VERSION-py3-none-any.whl": (
        "it changes the environment that tests run in"
    ),
}


def commands_of(page: Path) -> Iterator[str]:
    """Yield the lines of a page that stand in blocks of shell."""
    return (line.strip() for line in lines_of_code(page, {"sh"}) if line.strip())


def lines_of_code(page: Path, languages: Collection[str]) -> Iterator[str]:
    """Yield the lines of a page that stand in blocks of these languages."""
    language = None
    for line in page.read_text("utf-8").splitlines():
        fence = re.match(r"\s*```(\w*)", line)
        if fence:
            language = None if language is not None else fence[1]
        elif language in languages:
            yield line
