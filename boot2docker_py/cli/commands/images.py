"""Images: fetched, listed, exchanged, pinned, pruned."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from boot2docker_py import __version__
from boot2docker_py.cli import screen
from boot2docker_py.cli.app import VERSION_WORDS, app
from boot2docker_py.cli.commands.life import OF_IMAGES, answer, timed, with_session
from boot2docker_py.cli.completion import values
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.usage import unknown_action
from boot2docker_py.errors import Boot2DockerError, UsageError

if TYPE_CHECKING:
    from boot2docker_py.machine.images.care import Found
    from boot2docker_py.machine.images.upgrades import Upgraded

HEADINGS = ("VERSION", "PLACE", "SIZE", "USED BY", "FILE")
MB = 1_000_000


@app.command()
@click.argument(
    "action",
    default="list",
    metavar="[list|prune]",
    shell_complete=values.of_metavar("list|prune"),
)
@with_session
def images(session: Session, action: str) -> None:
    """List the images, or remove those that no VM boots.

    There is the one in place, which VMs boot; those that are kept, because an upgrade replaced
    them or a VM is pinned to them; and those that pip has installed. `prune` removes of the kept
    ones those that no VM boots, none of the others.

    Example: boot2docker images
    boot2docker images prune
    """
    if action == "list":
        _list(session)
    elif action == "prune":
        _prune(session)
    else:
        raise unknown_action("images", action, ("list", "prune"))


def _list(session: Session) -> None:
    found = session.vm.images()
    known = session.images.newest_known()
    if session.as_json:
        newest = {"version": known.version, "origin": known.origin} if known else None
        screen.json_object({"images": [_facts(one) for one in found], "newest_known": newest})
        return
    if not found:
        screen.words("There is no image; fetch one: boot2docker download")
    else:
        screen.table([HEADINGS, *map(_row, found)])
    if known:
        screen.words(f"The newest that is known: {known.version} ({known.origin}).")


def _row(one: Found) -> tuple[str, ...]:
    return (
        screen.plain(one.version or "?"),
        one.place,
        f"{one.size_bytes / MB:.0f} MB",
        screen.plain(", ".join(one.used_by) or "-"),
        screen.plain(f"{one.path}{f' ({one.problem})' if one.problem else ''}"),
    )


def _facts(one: Found) -> dict[str, object]:
    return {
        "version": one.version,
        "place": one.place,
        "path": one.path,
        "size_bytes": one.size_bytes,
        "sha256": one.sha256 or None,
        "used_by": list(one.used_by),
        "problem": one.problem,
    }


def _prune(session: Session) -> None:
    pruned = session.vm.prune_images()
    count = len(pruned.removed)
    words = f"Removed {count} image{'' if count == 1 else 's'}, {pruned.bytes_freed / MB:.0f} MB."
    if session.as_json:
        screen.json_object({"removed": list(pruned.removed), "bytes_freed": pruned.bytes_freed})
    else:
        screen.words(words if count else "Every image that is kept is one that a VM boots.")


@app.command(named=OF_IMAGES)
@with_session
def download(session: Session) -> None:
    """Fetch the image and verify it.

    The VM is not touched.

    Example: boot2docker download --iso-url ./build/boot2docker.iso
    """
    image = session.vm.download()
    words = f"Image {image.version} is at {image.path}."
    answer(session, words, path=image.path, version=image.version, sha256=image.sha256)


@app.command(named=OF_IMAGES)
@click.option("--check", is_flag=True, help="Only say whether there is a newer one.")
@click.option("--to", "to", metavar="VERSION", help="Change to this version, newer or older.")
@click.option("--pin", is_flag=True, help="Let this VM keep the image that it boots.")
@click.option("--unpin", is_flag=True, help="Let it boot the image that all VMs boot again.")
@with_session
def upgrade(session: Session, *, check: bool, to: str | None, pin: bool, unpin: bool) -> None:
    """Change the VM to a newer image.

    It stays with the old one if the new one does not come up. Data is kept, and the old image:
    `rollback` goes back to it, `images prune` removes it. A pinned VM boots an image of its own,
    that of `--to` or the one that it has.

    Example: boot2docker upgrade --check
    boot2docker upgrade --pin
    """
    if check + pin + unpin > 1 or (to is not None and (check or unpin)):
        raise UsageError(
            "upgrade does one thing at a time",
            details="--check, --pin and --unpin exclude each other; --to goes alone or with --pin",
            resolution="boot2docker help upgrade",
        )
    if to is not None and not to.strip():
        raise UsageError("--to needs a version", resolution="boot2docker images")
    if check:
        _check(session)
    elif unpin:
        _unpin(session)
    elif pin:
        _pin(session, to or "")
    else:
        _say_upgraded(session, session.vm.upgrade(to or ""))


def _check(session: Session) -> None:
    offer = session.vm.newer_image()
    present = offer.present.version if offer.present else None
    newest = offer.release.version or None
    if offer.is_newer:
        words = f"There is a newer image, {newest or 'of a version that it alone tells'}"
        words += f"; here is {present or 'none'}: boot2docker upgrade"
    elif offer.is_newer is None:
        words = "Only fetching it tells whether the image is newer: boot2docker upgrade"
    else:
        words = f"The image is current: {present}."
    facts = {"present": present, "newest": newest, "origin": offer.release.origin}
    answer(session, words, **facts, is_newer=offer.is_newer)


def _pin(session: Session, version: str) -> None:
    pinned = session.vm.pin(version)
    words = f"VM '{session.config.vm}' is pinned to the image {pinned.version}"
    words += "; it boots that with: boot2docker restart" if pinned.at_next_boot else "."
    answer(session, words, pinned=pinned.version, at_next_boot=pinned.at_next_boot)


def _unpin(session: Session) -> None:
    was = session.vm.unpin()
    name = session.config.vm
    words = f"VM '{name}' is not pinned any more; its next boot is of {session.config.iso}."
    answer(session, words if was else f"VM '{name}' was not pinned.", was_pinned=was)


@app.command()
@with_session
def rollback(session: Session) -> None:
    """Change the VM back to the image before.

    Data is kept. The image that it leaves is kept too: a second `rollback` goes back to that.

    Example: boot2docker rollback
    """
    _say_upgraded(session, session.vm.roll_back())


def _say_upgraded(session: Session, upgraded: Upgraded) -> None:
    words = f"The image is now {upgraded.after}; it was {upgraded.before}."
    words = words if upgraded.after else "The image is current."
    facts = {"before": upgraded.before, "after": upgraded.after}
    times = timed(session, session.upgrades)
    answer(session, words, **facts, restarted=upgraded.was_restarted, **times)


@app.command()
@with_session
def version(session: Session) -> None:
    """Print the version of this program, and the image's.

    The image is the one here that VMs boot, unless one is pinned to another.

    Example: boot2docker version
    """
    from boot2docker_py.image import versions

    image = _version_here(session)
    days = versions.age_days(image, time.time()) if image else None
    if session.as_json:
        found = {"version": image, "age_days": days} if image else None
        screen.json_object({"version": __version__, "image": found})
        return
    screen.data(VERSION_WORDS)
    if image:
        age = "" if days is None else f", {days} day{'' if days == 1 else 's'} old"
        screen.data(screen.plain(f"image version: v{image}{age}"))


def _version_here(session: Session) -> str:
    """Return the version of the image on this machine; empty where it is not known."""
    from boot2docker_py.image import versions
    from boot2docker_py.image.iso9660 import read_disc

    try:
        iso = session.config.iso
        # What never ends, as a pipe, must not be waited for.
        return versions.from_volume_id(read_disc(iso).volume_id) if iso.is_file() else ""
    except (Boot2DockerError, OSError):
        return ""  # the program's own version is wanted most when something is broken
