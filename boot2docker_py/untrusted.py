"""Numbers and JSON from others (the VM, the net, files that anybody may write), with bounds.

Python's own readers take what no sender means: digits without end, which need hours; other
scripts' digits; `true` for 1; nesting that ends in a RecursionError.
"""

from __future__ import annotations

from typing import Any

MOST_DIGITS = 100
LATEST_S = 253_402_300_799  # the end of the year 9999, as far as calendars of Python go


def number(text: str, lowest: int, highest: int) -> int | None:
    """Return the whole number that a text is in decimal; None if it is none in the range."""
    digits = text[1:] if text.startswith("-") else text
    longest = max(len(str(abs(lowest))), len(str(abs(highest))))
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= longest):
        return None
    return integer(int(text), lowest, highest)


def integer(value: object, lowest: int, highest: int) -> int | None:
    """Return the value when it is a whole number in the range, as JSON has them; else None."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer and lowest <= value <= highest else None  # type: ignore[operator,return-value]


def parsed_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is none, or nested too deeply, or has numbers too long.
    """
    import json  # only here: few commands read any

    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _whole_number(digits: str) -> int:
    # Python before 3.8.14, which Windows 7 has, would read for hours.
    if len(digits) > MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)
