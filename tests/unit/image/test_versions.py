"""Versions are read from volume ids and compared as numbers."""

from __future__ import annotations

import datetime
import itertools

import pytest

from boot2docker_py.image import versions

IN_ORDER = [
    "0.8.0",
    "1.8.0",
    "1.8.3",
    "1.10.0",
    "17.04.0-ce-rc1",
    "17.04.0-ce-rc2",
    "17.04.0-ce",
    "17.10.0-ce",
    "18.09.0-beta3",
    "18.09.0-rc1",
    "18.09.0",
    "19.03.12",
    "26.1.5",
    "26.1.5-20261101",
    "26.1.5-20270102",
    "26.1.10-20260101",
]


@pytest.mark.parametrize(
    ("volume_id", "version"),
    [
        ("Boot2Docker-v1.8.0", "1.8.0"),
        ("b2d-v19.03.5", "19.03.5"),
        ("b2d-v26.1.5-20261101", "26.1.5-20261101"),
        ("B2D-V17.04.0-CE", "17.04.0-CE"),
        ("Boot2Docker", ""),
        ("Debian 13 amd64", ""),
        ("", ""),
    ],
)
def test_the_version_is_read_from_the_volume_id(volume_id: str, version: str) -> None:
    assert versions.from_volume_id(volume_id) == version


def test_newer_is_decided_by_numbers_previews_and_build_days() -> None:
    for (older_at, older), (newer_at, newer) in itertools.product(enumerate(IN_ORDER), repeat=2):
        expected = (older_at > newer_at) - (older_at < newer_at)
        assert versions.compare(older, newer) == expected, (older, newer)


@pytest.mark.parametrize(("left", "right"), [("17.09.0-ce", "17.9.0"), ("v1.2", "1.2.0")])
def test_spelling_makes_no_difference(left: str, right: str) -> None:
    assert versions.compare(left, right) == 0


@pytest.mark.parametrize(("left", "right"), [("", "1.0"), ("1.0", ""), ("nightly", "1.0")])
def test_what_is_no_version_is_neither_older_nor_newer(left: str, right: str) -> None:
    assert versions.compare(left, right) is None


def test_only_our_own_images_name_the_day_of_their_build() -> None:
    assert versions.has_build_day("26.1.5-20261101")
    assert not versions.has_build_day("19.03.12")
    assert not versions.has_build_day("")


def test_a_tag_tells_a_version() -> None:
    assert versions.from_tag("v19.03.12") == "19.03.12"
    assert versions.from_tag("velvet") == "velvet"


@pytest.mark.parametrize(
    ("version", "days"),
    [("28.2.2-20261124", 5), ("28.2.2-20261129", 0), ("28.2.2-20270101", 0), ("19.03.12", None)],
)
def test_age_is_counted_from_the_day_of_the_build(version: str, days: int | None) -> None:
    now = datetime.datetime(2026, 11, 29, 23, 59, tzinfo=datetime.timezone.utc)
    assert versions.age_days(version, now.timestamp()) == days
