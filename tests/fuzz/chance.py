"""Chance with a seed, and what it makes of good inputs."""

from __future__ import annotations

import json
import random
from typing import Any

ODD = [
    *(b"\x00", b"\xff", b"\n", b"\r\n", b"\xb2", b"\xd9\xa3", b"-1", b"0", b"1e999", b"NaN"),
    *(b"null", b"{}", b"[]", b'""', b"9" * 30, b"9" * 5000, b"[" * 3000, b'{"a":' * 3000),
    *(b"\\ud800", b"\xed\xa0\x80", b"..", b"/", b" ", b"\x1b[31m", b"true", b"A" * 1000, b"://"),
    *(b"[::1", b"%", b"\x7f", b"\xc2\x9b31m"),
]
JSON_ODD: list[Any] = [
    *(None, True, -1, 0, 1.5, 1e308, 2**70, "", "x", "\ud800", "\u00b2", "9" * 30, [], {}),
    *([None], {"a": None}, "-1", "a\nb", "../..", "http://[::1", "\x1b[31m"),
]


class Chance(random.Random):
    """Random numbers, the same for the same seed, and inputs made with them."""

    def mutated(self, good: bytes) -> bytes:
        """Return a good input with a few faults in it."""
        data = bytearray(good)
        for _ in range(self.choice((1, 1, 1, 2, 3, 8))):
            self._break(data)
        return bytes(data)

    def _break(self, data: bytearray) -> None:
        at = self.randrange(len(data) + 1)
        kind = self.random()
        if kind < 0.3 and data:
            data[at % len(data)] = self.randrange(256)
        elif kind < 0.6:
            data[at : at + self.choice((0, 0, 1, 2, 5))] = self.choice(ODD)
        elif kind < 0.75:
            del data[at : at + self.choice((1, 2, 8, 100))]
        elif kind < 0.85:
            del data[at:]
        else:
            data[at:at] = data[at : at + self.randrange(1, 60)]

    def mutated_json(self, value: Any, depth: int = 0) -> Any:
        """Return a value with other kinds of value in it, and without some."""
        if depth and self.random() < 0.15:
            return self.choice(JSON_ODD)
        if isinstance(value, dict):
            kept = {key: inner for key, inner in value.items() if self.random() > 0.04}
            return {key: self.mutated_json(inner, depth + 1) for key, inner in kept.items()}
        if isinstance(value, list):
            kept_ones = [inner for inner in value if self.random() > 0.04]
            made = [self.mutated_json(inner, depth + 1) for inner in kept_ones]
            return made * self.choice((1, 1, 1, 2))
        return value

    def json_like(self, value: Any) -> bytes:
        """Return the JSON of a value, broken as text or as a value."""
        if self.random() < 0.5:
            return self.mutated(json.dumps(value).encode())
        return json.dumps(self.mutated_json(value)).encode()
