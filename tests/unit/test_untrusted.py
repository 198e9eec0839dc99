"""Numbers and JSON of others: what is in range, and all else refused without a cost."""

from __future__ import annotations

import pytest

from boot2docker_py import untrusted


@pytest.mark.parametrize("text", ["7", "-5", "0", "70"])
def test_number_in_range(text: str) -> None:
    assert untrusted.number(text, -5, 70) == int(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "71", "-6", "1_0", "+1", " 1", "\u00b2", "\u0667", "9" * 99_999, "1.0", "--1", "1e1"],
)
def test_number_that_is_none(text: str) -> None:
    assert untrusted.number(text, -5, 70) is None


def test_integer_of_json() -> None:
    values = (1, 9, 0, 10, 2**70, True, 1.0, 1.5, "5", None, [1])
    assert [untrusted.integer(value, 1, 9) for value in values] == [1, 9, *[None] * 9]


def test_nested_json_is_an_error_as_any_other() -> None:
    assert untrusted.parsed_json(b'{"a": [1]}') == {"a": [1]}
    for text in ("[" * 200_000, '{"a":' * 200_000, "{", b"\xff", ""):
        with pytest.raises(ValueError, match=r"."):
            untrusted.parsed_json(text)


def test_number_of_json_that_takes_hours() -> None:
    with pytest.raises(ValueError, match="digits"):
        untrusted.parsed_json("9" * 5000)
