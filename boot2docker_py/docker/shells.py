"""The shells that users have: what sets a variable there, exactly, for any value."""

from __future__ import annotations

import re
import shlex
from typing import Callable, Mapping, NamedTuple, Sequence

from boot2docker_py.errors import UsageError


class Shell(NamedTuple):
    """How one shell is spoken to."""

    set_variable: Callable[[str, str], str]
    unset_variable: Callable[[str], str]
    evaluate: str  # what a user types, or copies, so that the shell runs what COMMAND prints


def set_line(shell: str, name: str, value: str) -> str:
    """Return the line that sets and exports a variable.

    Raises:
        UsageError: this shell has no way to write the value.
    """
    return SHELLS[shell].set_variable(name, value)


def unset_line(shell: str, name: str) -> str:
    """Return the line that removes a variable; no error where there is none."""
    return SHELLS[shell].unset_variable(name)


def hint(shell: str, command: str) -> str:
    """Return what a user types so that `shell` evaluates the output of `command`."""
    return SHELLS[shell].evaluate.replace("COMMAND", command)


def detect(ancestors: Sequence[str], environ: Mapping[str, str], platform: str) -> str:
    """Return the shell that will read our output: the nearest among the processes above us.

    `ancestors` are names of programs, the parent first. Terminals (mintty, conhost) and launchers
    stand between and are no shells. Where the chain is cut, as MSYS does, the environment tells.
    """
    for program in ancestors:
        shell = _shell_of(program)
        if shell:
            return shell
    named = _shell_of(environ.get("SHELL", ""))
    if platform != "win32":
        return named or "sh"
    # Git for Windows, MSYS2 and Cygwin set SHELL and TERM; cmd.exe sets neither.
    if environ.get("MSYSTEM") or environ.get("TERM"):
        return named or "bash"
    return "cmd"


def _shell_of(program: str) -> str:
    name = re.split(r"[/\\]", program)[-1].lower().lstrip("-")
    name = name[: -len(".exe")] if name.endswith(".exe") else name
    name = _SAME_AS.get(name, name)
    return name if name in SHELLS else ""


def _cannot(shell: str, value: str) -> UsageError:
    return UsageError(
        f"{shell} has no way to write {value!r} in a variable",
        resolution="Use a folder with a plainer name (BOOT2DOCKER_DIR), or another shell.",
    )


def _set_fish(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}';"


def _set_tcsh(name: str, value: str) -> str:
    if "\n" in value:
        raise _cannot("tcsh", value)
    # `!` recalls history even between quotes.
    quoted = value.replace("'", "'\"'\"'").replace("!", "\\!")
    return f"setenv {name} '{quoted}';"


def _set_cmd(name: str, value: str) -> str:
    # FOR reads line by line; between quotes, only a quote is special to SET.
    if re.search('["\r\n]', value):
        raise _cannot("cmd", value)
    return f'SET "{name}={value}"'


def _set_powershell(name: str, value: str) -> str:
    # PowerShell takes the typographic quotes, U+2018 to U+201B, for single ones too.
    quoted = re.sub("(['\u2018-\u201b])", r"\1\1", value)
    return f"$Env:{name} = '{quoted}'"


def _quoted(value: str) -> str:
    # zsh takes a bare word that begins with `=` for the path of a program.
    quoted = shlex.quote(value)
    return f"'{value}'" if quoted == value and "=" in value else quoted


_POSIX = Shell(
    lambda name, value: f"export {name}={_quoted(value)}",
    lambda name: f"unset {name}",
    'eval "$(COMMAND)"',
)
SHELLS: Mapping[str, Shell] = {
    "sh": _POSIX,
    "bash": _POSIX,
    "zsh": _POSIX,
    "fish": Shell(_set_fish, "set -e {};".format, "COMMAND | source"),
    # The quotes keep spaces as they are: tcsh splits what stands in bare back-ticks.
    "tcsh": Shell(_set_tcsh, "unsetenv {};".format, 'eval "`COMMAND`"'),
    "cmd": Shell(_set_cmd, 'SET "{}="'.format, "@FOR /f \"tokens=*\" %i IN ('COMMAND') DO @%i"),
    "powershell": Shell(
        _set_powershell,
        "Remove-Item Env:{} -ErrorAction SilentlyContinue".format,
        "& COMMAND | Out-String | Invoke-Expression",
    ),
}
_SAME_AS = {"dash": "sh", "ash": "sh", "ksh": "sh", "mksh": "sh", "pwsh": "powershell"}
_SAME_AS["csh"] = "tcsh"
