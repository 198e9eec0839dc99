"""Write the pages of docs/ that follow from the code, and what the code has of itself in short.

python docs/generate.py          writes them
python docs/generate.py --check  says which are out of date, and exits with 1; lint runs it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Iterator

import click
import house
from api_page import api_page
from limits import limits_page
from troubleshooting import troubleshooting_page

from boot2docker_py import errors
from boot2docker_py.cli.app import app
from boot2docker_py.cli.help import ALIASES, summary_of
from boot2docker_py.config.settings import OBSOLETE, SETTINGS
from boot2docker_py.machine.doctor import CHECKS

FOLDER = Path(__file__).parent

PICTURE = "<!-- made by `make docs` from the imports -->", "<!-- end of the picture -->"

DEFAULTS = {
    "iso": "that of Docker Machine's VM of this name, else `boot2docker.iso` in the folder",
    "ssh_key": "that of Docker Machine's VM of this name, else `~/.ssh/id_boot2docker` if it "
    "exists, else `id_boot2docker` in the folder",
    "console_log": "`console.log` in the VM's folder",
    "cpus": "the host's, at most 4",
    "vbox_share": "`C:\\Users=c/Users` on Windows, `/Users=Users` on macOS, else none",
}


def commands_page() -> str:
    """Return docs/commands.md: the help of every command."""
    parts = [
        "# Commands",
        "Made from the code by `make docs`. What each command does in which state of the VM: "
        "[states.md](states.md). Settings and their flags: [configuration.md](configuration.md).",
        "`--json` makes any command that answers print one JSON object on stdout, errors included. "
        "Data goes to stdout; words, warnings and progress go to stderr.",
    ]
    context = click.Context(app, info_name="boot2docker", max_content_width=100)
    for name in sorted(app.commands):
        command = app.commands[name]
        with click.Context(command, info_name=name, parent=context) as inner:
            parts += [f"## {name}", f"```text\n{command.get_help(inner)}\n```"]
    aliases = "\n".join(f"| `{alias}` | `{name}` |" for alias, name in sorted(ALIASES.items()))
    parts += ["## Aliases", f"| alias | command |\n|---|---|\n{aliases}"]
    return "\n\n".join(parts) + "\n"


def configuration_page() -> str:
    """Return docs/configuration.md: every setting, with its names and default."""
    rows = "\n".join(_setting_rows())
    gone = "\n".join(
        f"| `{o.key}` | {f'`{o.flag}`' if o.flag else ''} | {o.reason} |" for o in OBSOLETE
    )
    former = " and ".join(f"`{s.former_key}`" for s in SETTINGS if s.former_key)
    return f"""# Configuration

Made from the code by `make docs`.

A setting can be given in four places; the later one wins: default, profile file, environment,
flag. `boot2docker config` prints all of them, each with the place that it comes from; its output
is itself a profile.

The *folder* is `BOOT2DOCKER_DIR` if that is set, else `~/.boot2docker` if that exists, as in the
original, else the operating system's place for data (`~/.local/share/boot2docker` on Linux). A
`~/.boot2docker` that holds at most a profile does not hide VMs in that place; its profile counts.
What lies in the folder: [files.md](files.md).

The profile is `BOOT2DOCKER_PROFILE` if that is set, else `profile` in the folder. It is TOML; the
case of a key does not matter:

```toml
VM = "boot2docker-vm"
Memory = 4096
Timeout = 600
```

An unknown key is an error that names the file, the line and the nearest right key. Flags may stand
before or after the command, as `--flag value` or `--flag=value`; switches take `--dhcp`,
`--no-dhcp` and `--dhcp=false`. After `ssh` everything belongs to the command in the VM.

A setting has one name: as a key, as a flag and as a variable it differs in form alone. The name in
`--json` and in [Python](api.md) says the unit too. Former names are still read: of keys {former};
of variables the name in Python in capitals, as `BOOT2DOCKER_MEMORY_MB`; `--vboxdisk`.

| key | flag | variable | in Python | default | what it is |
|---|---|---|---|---|---|
{rows}

Settings that say "when the VM is made" count for `init`, and for an `up` that makes the VM; given
as a flag for a VM that exists, they are answered with a warning. The settings of the host-only
adapter, of shared folders, `GUI`, `DiskFormat` and `BaseVMDK` have no effect with the driver
`qemu`, and are answered with a warning too.

`VBoxShare` is a list, `VBoxShare = ["C:\\\\work=work"]`; the variable holds several with the
separator of `PATH` between. A folder without `=NAME` is named after itself, `C:\\Users` as
`c/Users`; a name has no spaces, because the VM cuts its list at them. Shares count when the VM
boots, not for one that is restored. Ours that are not wanted any more are taken away then; those
made in the VirtualBox window are left alone. With `BaseVMDK`, `SSHKey` has to be the key of that
disk.

Downloads honour `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; see [images.md](images.md).
`BOOT2DOCKER_QEMU` names the QEMU program to use, if it is not `qemu-system-x86_64` of the `PATH`.

## Settings of the original that have no effect

They may stand in an old profile (`boot2docker -v config` shows them); typed as flags, they are
answered with a warning.

| key | flag | why |
|---|---|---|
{gone}
"""


def _setting_rows() -> Iterator[str]:
    for setting in SETTINGS:
        flags = ", ".join(f"`{flag}`" for flag in setting.flags.split())
        names = f"`{setting.key}` | {flags} | `{setting.variable}` | `{setting.field}`"
        yield f"| {names} | {_default(setting.field, setting.default)} | {setting.help} |"


def _default(field: str, value: object) -> str:
    if field in DEFAULTS:
        return DEFAULTS[field]
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{value}`" if value not in (None, "") else ""


def exit_status_page() -> str:
    """Return docs/exit-status.md: every status, from the error classes."""
    rows = "\n".join(
        f"| {status} | `{code}` | {words} |"
        for status, code, words in sorted(_error_classes(errors.Boot2DockerError))
    )
    return f"""# Exit statuses

Made from the code by `make docs`. With `--json` an error is the object
`{{"error": {{"code", "exit_status", "brief", "details", "resolution"}}}}` on stdout.

| status | code | when |
|---|---|---|
| 0 | | What was asked for is true: after `up`, `restart` and `reset` the engine answers. |
{rows}
| 130 | | Interrupted with Ctrl-C; the same command can be typed again. |

`ssh` passes on the exit status of the command in the VM; 128 and the number of the signal that
ended it; 255 when the connection cannot be made, or was lost. When there is no running VM to
connect to, it is 3 or 4, as for any other command.
"""


def _error_classes(kind: type[errors.Boot2DockerError]) -> Iterator[tuple[int, str, str]]:
    words = (kind.__doc__ or "").strip().splitlines()[0]
    if kind is errors.Boot2DockerError:
        words = "Any other failure, a defect of boot2docker among them."
    yield kind.exit_status, kind.code, words
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _error_classes(child)


def doctor_page() -> str:
    """Return docs/doctor.md: every check of doctor."""
    rows = "\n".join(f"| `{check.id}` | {check.what}. | {check.when} |" for check in CHECKS)
    return f"""# What doctor looks at

Made from the code by `make docs`.

`boot2docker doctor` looks at everything between you and a container, changes nothing, and says of
each thing whether it is *ok*, a *warning* or a *failure*, what it found, and what to type. What
cannot be looked at is *skipped*; another finding says why. The exit status is that of the first
failure ([exit-status.md](exit-status.md)), and 0 when there is none.

With `--json` the answer is one object, `{{"vm", "failures", "warnings", "findings"}}`; each of the
findings has `id`, `level`, `found`, `fix` and `exit_status`.

| id | what is looked at | when it is not ok |
|---|---|---|
{rows}

Clients before Docker 29 speak the engine's API from version 1.24 on, those since from 1.44 on; the
engine of the last official image ends at 1.40. The image that belongs to this program has an
engine that both kinds speak to.
"""


def internals_page() -> str:
    """Return docs/internals.md with the picture of the rooms as they are now."""
    text = (FOLDER / "internals.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(PICTURE[0])
    _old, end, after = rest.partition(PICTURE[1])
    return f"{before}{begin}\n{house.picture()}{end}{after}"


def summaries() -> str:
    """Return cli/summaries.py: the first sentence of each command's docstring."""
    rows = "".join(
        f"    {json.dumps(name)}: {json.dumps(summary_of(command))},\n"
        for name, command in sorted(app.commands.items())
    )
    return f'''"""What each command does, in a line; made from their docstrings by `make docs`.

The first page of help and completion need them all, and would have to import every command.
"""

from __future__ import annotations

from typing import Mapping

SUMMARIES: Mapping[str, str] = {{
{rows}}}
'''


PAGES = {
    "../boot2docker_py/cli/summaries.py": summaries,
    "api.md": api_page,
    "internals.md": internals_page,
    "doctor.md": doctor_page,
    "commands.md": commands_page,
    "configuration.md": configuration_page,
    "exit-status.md": exit_status_page,
    "limits.md": limits_page,
    "troubleshooting.md": troubleshooting_page,
}


def main() -> int:
    """Write or check the pages."""
    stale = []
    for name, page in PAGES.items():
        file, text = FOLDER / name, page()
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            file.write_text(text, encoding="utf-8")
    if stale:
        print("out of date:" if "--check" in sys.argv else "written:", *stale)
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
