"""Sizes and times as people type them."""

from __future__ import annotations

import pytest

from boot2docker_py.config import values

SIZE = values.size_mb(128, 4 * 1024 * 1024)


@pytest.mark.parametrize(
    ("typed", "size_mb"),
    [
        *(("2048", 2048), (2048, 2048), ("512m", 512), ("512 MB", 512), ("4g", 4096)),
        *(("4G", 4096), ("1.5g", 1536), ("20GB", 20480), ("1t", 1048576), (" 4 GiB ", 4096)),
    ],
)
def test_size_with_and_without_a_unit(typed: object, size_mb: int) -> None:
    assert SIZE(typed) == size_mb


@pytest.mark.parametrize(
    "typed",
    ["", "4x", "g", "-4g", "127", "5t", "1.3m", "1e9", "9" * 5000, "4g4", True, "\u0664g", None],
)
def test_size_that_is_none_is_refused_with_the_units(typed: object) -> None:
    with pytest.raises(ValueError, match="from 128 MB to 4096 GB.*512m or 4g"):
        SIZE(typed)


@pytest.mark.parametrize(
    ("typed", "time_s"),
    [("300", 300), (300, 300), ("0.5", 0.5), (".5", 0.5), ("90s", 90), ("5m", 300), ("1h", 3600)],
)
def test_time_with_and_without_a_unit(typed: object, time_s: float) -> None:
    assert values.seconds(typed) == time_s


@pytest.mark.parametrize("typed", ["", "0", "-5", "25h", "5x", "nan", "inf", "9" * 5000, None])
def test_time_that_is_none_is_refused_with_the_units(typed: object) -> None:
    with pytest.raises(ValueError, match="90s or 5m"):
        values.seconds(typed)
