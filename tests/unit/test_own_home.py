"""Tests and measurements leave the developer's own ~/.docker alone, on Windows too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import own_home

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, os, sys
from pathlib import Path
from tests import own_home

own_home.move(os.environ, Path(sys.argv[1]))
from boot2docker_py import paths
from boot2docker_py.docker.config import DockerConfig

found = paths.find(os.environ)
docker = DockerConfig.find(os.environ, Path.home())
docker.set_current_context("of a test")
places = [Path.home(), found.user_home, found.profile, found.key, docker.file]
if sys.platform != "win32":  # whose own place for data no variable moves: BOOT2DOCKER_DIR does
    places.append(found.home)
print(json.dumps([str(place) for place in places]))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_moved_home_leaves_the_developers_own_files_alone(tmp_path: Path) -> None:
    developer, moved = tmp_path / "developer", tmp_path / "moved"
    (developer / ".docker").mkdir(parents=True)
    (developer / ".docker" / "config.json").write_text('{"currentContext": "mine"}')
    moved.mkdir()
    before = contents(developer)
    environ = {**os.environ, **dict.fromkeys(own_home.HOMES, str(developer))}
    environ.update(dict.fromkeys(own_home.OTHER_PLACES, str(developer / ".docker")))
    if sys.platform == "win32":
        environ["BOOT2DOCKER_DIR"] = str(moved)
    else:
        del environ["BOOT2DOCKER_DIR"]
    command = [sys.executable, "-c", PROGRAM, str(moved)]
    places = subprocess.run(command, env=environ, cwd=ROOT, stdout=-1, check=True).stdout
    assert [place for place in json.loads(places) if not place.startswith(str(moved))] == []
    assert json.loads((moved / ".docker" / "config.json").read_text()) == {
        "currentContext": "of a test"
    }
    assert contents(developer) == before
