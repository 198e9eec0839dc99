"""What the build takes out of the image's programs, tried on programs of C."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "iso" / "helpers" / "lean_program.py"
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
__thread int per_thread = 3;
int exported_to_plugins(int n) { return n * 2 + per_thread; }
static const char *const words[] = { "one", "two", "three" };
int (*pointers[])(int) = { exported_to_plugins, abs };
FILE **stream = &stdout;
int main(int count, char **arguments) {
    fprintf(*stream, "%s %d %d\\n", words[count], pointers[0](count), pointers[1](-7));
    return 0;
}
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is a step of the image's build")


def compiled(folder: Path, *options: str) -> Path:
    program = folder / "program"
    command = ["gcc", "-O1", *options, "-x", "c", "-o", str(program), "-"]
    subprocess.run(command, input=SOURCE.encode(), check=True)
    return program


def made_lean(program: Path) -> str:
    done = subprocess.run([str(TOOL), str(program)], stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr


def said_by(program: Path) -> str:
    return subprocess.run(
        [str(program), "word"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    "options",
    [
        ("-fPIE", "-pie", "-rdynamic"),
        ("-fPIE", "-pie", "-rdynamic", "-Wl,-z,now"),
        ("-fPIE", "-pie", "-rdynamic", "-Wl,-z,norelro", "-Wl,-z,lazy"),
        ("-fno-pie", "-no-pie", "-rdynamic"),
    ],
)
def test_a_program_says_the_same_without_the_names_that_it_exported(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    program = compiled(tmp_path, *options)
    said, size = said_by(program), program.stat().st_size
    assert b"exported_to_plugins" in program.read_bytes()
    subprocess.run(["strip", str(program)], check=True)
    made_lean(program)
    assert said_by(program) == said == "three 7 7\n"
    assert b"exported_to_plugins" not in program.read_bytes()
    assert program.stat().st_size < size
    assert int.from_bytes(program.read_bytes()[16:18], "little") == 2  # at a fixed address


def test_a_lean_program_can_be_made_lean_again(tmp_path: Path) -> None:
    program = compiled(tmp_path, "-fPIE", "-pie", "-rdynamic")
    made_lean(program)
    once = program.read_bytes()
    made_lean(program)
    assert program.read_bytes() == once


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\necho a script\n", b"\x7fELF\x02\x01\x01"])
def test_what_is_no_program_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert "stays as it is" in made_lean(file)
    assert file.read_bytes() == content


def test_a_static_program_stays_as_it_is(tmp_path: Path) -> None:
    program = compiled(tmp_path, "-static")
    before = program.read_bytes()
    assert "linked statically" in made_lean(program)
    assert program.read_bytes() == before
