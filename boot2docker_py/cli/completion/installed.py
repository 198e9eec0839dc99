"""Where a shell's script is put so that each new shell reads it; and taken away again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Mapping, NamedTuple

from boot2docker_py import whole_file
from boot2docker_py.cli.completion.scripts import SCRIPTS
from boot2docker_py.errors import Boot2DockerError, StorageError
from boot2docker_py.paths import Paths, make_private_folder

MARK = "# boot2docker completion"
_POWERSHELLS = ("pwsh", "powershell")
_ASK_S = 30.0


class Place(NamedTuple):
    """The script's file, and the file of the user's that reads it; None when the shell does."""

    script: Path
    read_by: Path | None = None
    line: str = ""  # in that file

    def install(self, script: str) -> None:
        """Write the script, and the line; both may be there already.

        Raises:
            StorageError: a file cannot be written.
        """
        try:
            make_private_folder(self.script.parent)
            whole_file.write(self.script, script.encode())
            if self.read_by and self.line not in _lines(self.read_by):
                self.read_by.parent.mkdir(parents=True, exist_ok=True)
                with self.read_by.open("ab") as file:
                    file.write(f"\n{self.line}\n".encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise StorageError("cannot install the completion", details=str(error)) from error

    def is_installed(self) -> bool:
        """Tell whether anything of it is there."""
        return self.script.exists() or bool(self.read_by and self.line in _lines(self.read_by))

    def remove(self) -> None:
        """Remove the script and the line; all else in the user's file stays.

        Raises:
            StorageError: a file cannot be written.
        """
        try:
            self.script.unlink(missing_ok=True)
            if self.read_by and self.line in _lines(self.read_by):
                text = self.read_by.read_bytes().decode("utf-8", "surrogateescape")
                kept = text.replace(f"\n{self.line}\n", "")
                self.read_by.write_bytes(kept.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise StorageError("cannot remove the completion", details=str(error)) from error


def places(paths: Paths, environ: Mapping[str, str]) -> dict[str, Place]:
    """Return the place of each shell but PowerShell, which has to be asked for its own."""
    home = paths.user_home
    zsh_home = Path(environ.get("ZDOTDIR") or home)
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": _read_by(paths, "bash", home / ".bashrc"),
        "zsh": _read_by(paths, "zsh", zsh_home / ".zshrc"),
        "fish": Place(config / "fish" / "completions" / "boot2docker.fish"),
    }


def place_of(shell: str, paths: Paths, environ: Mapping[str, str]) -> Place:
    """Return the place of a shell's script.

    Raises:
        Boot2DockerError: PowerShell does not say where its profile is.
    """
    if shell != "powershell":
        return places(paths, environ)[shell]
    profile = _profile_of_powershell()
    script = paths.home / "completion" / "boot2docker.ps1"
    quoted = str(script).replace("'", "''")
    return Place(script, profile, f". '{quoted}'  {MARK}")


def _read_by(paths: Paths, shell: str, file: Path) -> Place:
    import shlex

    script = paths.home / "completion" / f"boot2docker.{shell}"
    quoted = shlex.quote(str(script))
    return Place(script, file, f"[ ! -r {quoted} ] || . {quoted}  {MARK}")


def _profile_of_powershell() -> Path:
    words = ["-NoProfile", "-NonInteractive", "-Command", "$PROFILE.CurrentUserAllHosts"]
    for program in _POWERSHELLS:
        try:
            told = subprocess.run(
                [program, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ASK_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        name = told.stdout.decode("utf-8", "replace").strip()
        if name:
            return Path(name)
    raise Boot2DockerError(
        "PowerShell does not say where its profile is",
        resolution="Put what `boot2docker completion powershell` prints into your $PROFILE.",
    )


def _lines(file: Path) -> list[str]:
    try:
        return file.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def install(shell: str, paths: Paths) -> Place:
    """Let each new shell of that kind complete; return where."""
    place = place_of(shell, paths, os.environ)
    place.install(SCRIPTS[shell])
    return place
