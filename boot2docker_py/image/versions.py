"""The versions of images: read from the volume id, compared by their numbers.

Volume ids seen (docs/images.md): `Boot2Docker-v1.8.0`, `b2d-v19.03.5`, plain `Boot2Docker` on
v18.09.0, and `b2d-v26.1.5-20261101` on our own, which adds the day of the build.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable, Iterable, TypeVar

if TYPE_CHECKING:
    import datetime

_Thing = TypeVar("_Thing")

_VOLUME_ID = r"(?i)(?:boot2docker|b2d)-v?(\d\S*)"
_NUMBERS = r"(?i)v?(\d+(?:\.\d+)*)(.*)"
_PREVIEW = r"(?i)(alpha|beta|tp|rc)\D?(\d*)"
_BUILD_DAY = r"(?<!\d)(\d{8})(?!\d)"

_PREVIEW_RANK = {"alpha": 1, "beta": 2, "tp": 3, "rc": 4}
_FINAL_RANK = 9


def from_volume_id(volume_id: str) -> str:
    """Return the version that a volume id tells, without "v"; "" when it tells none."""
    found = re.fullmatch(_VOLUME_ID, volume_id.strip())
    return found.group(1) if found else ""


def from_tag(tag: str) -> str:
    """Return the version that a release's tag tells: v19.03.12 is 19.03.12."""
    return tag[1:] if re.match(r"v\d", tag, re.IGNORECASE) else tag


def has_build_day(version: str) -> bool:
    """Tell whether a version names the day of its build, as only our own images do."""
    return bool(re.search(_BUILD_DAY, version))


def build_day(version: str) -> datetime.date | None:
    """Return the day of the build that a version names, None when it names none."""
    import datetime

    found = re.search(_BUILD_DAY, version)
    try:
        return datetime.datetime.strptime(found[1], "%Y%m%d").date() if found else None
    except ValueError:  # no such day
        return None


def age_days(version: str, now_s: float) -> int | None:
    """Return the days since the build that a version names, None when it names none."""
    import datetime

    day = build_day(version)
    if day is None:
        return None
    today = datetime.datetime.fromtimestamp(now_s, datetime.timezone.utc).date()
    return max(0, (today - day).days)


def compare(left: str, right: str) -> int | None:
    """Return -1, 0 or 1 as `left` is older, the same or newer; None when that cannot be known."""
    left_key, right_key = _key(left), _key(right)
    if left_key is None or right_key is None:
        return None
    return (left_key > right_key) - (left_key < right_key)


def is_meant(wanted: str, version: str) -> bool:
    """Tell whether `wanted`, as it is typed, means `version`: the whole, or all but its day."""
    wanted = from_tag(wanted.strip())
    return bool(wanted) and (version == wanted or version.startswith(f"{wanted}-"))


def newest(things: Iterable[_Thing], version_of: Callable[[_Thing], str]) -> _Thing | None:
    """Return the thing of the newest version, the first of several alike; None of none."""
    best: _Thing | None = None
    for thing in things:
        if best is None or compare(version_of(thing), version_of(best)) == 1:
            best = thing
    return best


def _key(version: str) -> tuple[list[int], int, int, int] | None:
    found = re.fullmatch(_NUMBERS, version.strip())
    if not found:
        return None
    numbers = [int(number) for number in found.group(1).split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    preview = re.search(_PREVIEW, found.group(2))
    build_day = re.search(_BUILD_DAY, found.group(2))
    return (
        numbers,
        _PREVIEW_RANK[preview.group(1).lower()] if preview else _FINAL_RANK,
        int(preview.group(2) or 0) if preview else 0,
        int(build_day.group(1)) if build_day else 0,
    )
