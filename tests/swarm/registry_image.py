"""What stands in for the image `registry`, which cannot be had here: Debian's own program."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

CONFIG = "/etc/docker/registry/config.yml"
SERVE = ["/docker-registry", "serve", CONFIG]
SETTINGS = {
    "version": 0.1,
    "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}},
    "http": {"addr": ":5000", "secret": "x"},
}


def make(archive: Path) -> Path:
    """Write the files of the image into an archive: the program, its libraries, its settings."""
    program = shutil.which("docker-registry")
    assert program, "there is no docker-registry; `make test-swarm` installs it"
    words = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=False).stdout
    settings = json.dumps(SETTINGS).encode()  # JSON is YAML
    with tarfile.open(archive, "w", dereference=True) as made:
        made.add(program, "docker-registry")
        for library in re.findall(r"(/\S+) \(0x", words):
            made.add(library, library.lstrip("/"))
        member = tarfile.TarInfo(CONFIG.lstrip("/"))
        member.size = len(settings)
        made.addfile(member, io.BytesIO(settings))
    return archive
