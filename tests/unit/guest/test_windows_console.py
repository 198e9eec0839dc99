"""What the guest and a console of Windows say to each other, in UTF-8 there and UTF-16 here."""

from __future__ import annotations

from boot2docker_py.guest.windows_console import (
    UNITS,
    InputText,
    OutputText,
    raw_input_modes,
    raw_output_modes,
)

TEXT = "Grüße, ☃ and 🐳\r\n"


def test_raw_modes() -> None:
    """No line, no echo, no Ctrl-C; sequences first, and what is left for consoles without them."""
    assert raw_input_modes(0x1F7) == (0x3F0, 0x1F0)
    assert raw_output_modes(0x3) == (0xF, 0x3)


def test_letters_that_come_in_pieces_are_put_together() -> None:
    output = OutputText()
    units = b"".join(u for byte in TEXT.encode() for u in output.units_of(bytes([byte])))
    assert units.decode("utf-16-le") == TEXT
    keys, units = InputText(), TEXT.encode("utf-16-le")
    halves = [units[begin : begin + 2] for begin in range(0, len(units), 2)]
    assert b"".join(keys.bytes_of(half, is_line=False) for half in halves) == TEXT.encode()


def test_a_line_ends_as_one_of_linux_does_and_a_key_is_what_it_is() -> None:
    units = "a\r\n".encode("utf-16-le")
    assert InputText().bytes_of(units, is_line=True) == b"a\n"
    assert InputText().bytes_of(units, is_line=False) == b"a\r\n"


def test_much_output_is_written_in_pieces_that_a_console_takes() -> None:
    pieces = list(OutputText().units_of(("🐳x" * 20_000).encode()))
    assert max(map(len, pieces)) <= 2 * UNITS
    assert b"".join(pieces).decode("utf-16-le") == "🐳x" * 20_000


def test_what_is_no_text_does_not_end_it() -> None:
    (units,) = OutputText().units_of(b"a\xff\xfeb")
    assert units.decode("utf-16-le") == "a\ufffd\ufffdb"
