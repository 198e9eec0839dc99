"""Certificate authorities that were added to this machine."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest

from boot2docker_py.host import company_roots

DER = b"\x30\x82" + bytes(range(200))
PEM = company_roots.as_pem(DER)


def blob(*properties: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<III", number, 1, len(data)) + data for number, data in properties)


def test_pem_holds_the_certificate() -> None:
    body = PEM.split(b"-----")[2]
    assert base64.b64decode(body) == DER
    assert max(map(len, PEM.splitlines())) <= 64


def test_certificate_is_found_among_the_properties_of_a_registry_value() -> None:
    assert company_roots.certificate_in(blob((3, b"sha1"), (32, DER), (4, b"x"))) == DER


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00" * 11,
        blob((3, b"sha1")),
        struct.pack("<III", 32, 1, 2**32 - 1) + DER,
        b"\xff" * 64,
    ],
)
def test_a_registry_value_without_one_has_none(value: bytes) -> None:
    assert company_roots.certificate_in(value) is None


def test_folders_of_linux_are_read_and_other_files_left(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "corp.crt").write_bytes(PEM)
    (tmp_path / "README").write_text("not one")
    (tmp_path / "huge.crt").write_bytes(PEM + bytes(company_roots.LIMIT_BYTES))
    assert list(company_roots.in_folders([tmp_path, tmp_path / "none"])) == [PEM]
