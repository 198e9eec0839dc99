"""An image with packages of the user's choice: what they ask for, down to its manifest."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ISO = Path(__file__).parents[2] / "iso"
pytestmark = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs a Debian")


def build(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ISO / "build"), *words], capture_output=True, text=True, check=False, timeout=60
    )


def key_of(packages: str) -> str:
    made = build("--cache-key", "--packages", packages)
    assert made.returncode == 0, made.stderr
    return made.stdout


def run_step(name: str, work: Path, packages: str = "", programs: Path | None = None) -> None:
    environ = {**os.environ, "work": str(work), "here": str(ISO), "packages": packages}
    environ["PATH"] = f"{programs}:{environ['PATH']}" if programs else environ["PATH"]
    subprocess.run([str(ISO / "steps" / name)], env=environ, check=True, timeout=60)


def test_the_same_packages_are_the_same_image_in_whatever_order() -> None:
    usual, once, twice = key_of(""), key_of("htop ipvsadm"), key_of("ipvsadm, htop ipvsadm")
    assert once == twice
    assert once != usual


@pytest.mark.parametrize("packages", ["$(id)", "-o=x;y", "IPVSADM", "a'b"])
def test_what_is_no_name_of_a_package_is_refused(packages: str) -> None:
    refused = build("--cache-key", "--packages", packages)
    assert refused.returncode == 1
    assert "not a list of Debian package names" in refused.stderr


def test_they_are_installed_beside_those_of_everybody(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in {
        "mmdebstrap": f'printf "%s\\n" "$@" > {tmp_path}/words',
        "apt-get": "exit 0",
        "apt-config": "exit 0",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    run_step("10-root", tmp_path, "htop ipvsadm", programs)
    words = (tmp_path / "words").read_text().splitlines()
    (include,) = (word for word in words if word.startswith("--include="))
    names = include.partition("=")[2].split(",")
    assert {"docker.io", "htop", "ipvsadm"} <= set(names)


def test_the_manifest_names_them(tmp_path: Path) -> None:
    database = tmp_path / "root/var/lib/dpkg"
    database.mkdir(parents=True)
    installed = {"docker.io": "26.1.5+dfsg1-9", "ipvsadm": "1:1.31-1"}
    (database / "status").write_text(
        "".join(
            f"Package: {name}\nStatus: install ok installed\nMaintainer: x\n"
            f"Architecture: amd64\nVersion: {version}\nDescription: x\n\n"
            for name, version in installed.items()
        )
    )
    for name in installed:
        documents = tmp_path / "root/usr/share/doc" / name
        documents.mkdir(parents=True)
        (documents / "copyright").write_text("free\n")
        entry = b" -- Anna <a@b.example>  Sat, 14 Nov 2026 08:00:00 +0000\n"
        (documents / "changelog.Debian.gz").write_bytes(gzip.compress(entry))
    run_step("20-version", tmp_path)
    manifest = (tmp_path / "boot2docker.iso.manifest").read_text().splitlines()
    assert manifest[0] == "boot2docker v26.1.5-20261114"
    assert "ipvsadm 1:1.31-1 amd64" in manifest
