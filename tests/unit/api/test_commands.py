"""What a command does can be done in Python, by the same objects; or it is said why not."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Iterator, Mapping

import pytest

from boot2docker_py import api
from boot2docker_py.cli.app import app

COMMANDS = Path(api.__file__).parents[1] / "cli" / "commands"

# What the command does, by the names of the API.
BY_COMMAND: Mapping[str, str] = {
    "clone": "VM.clone",
    "config": "VM.settings",
    "cp": "VM.copy_in VM.copy_out",
    "delete": "VM.delete",
    "doctor": "VM.doctor",
    "down": "VM.down",
    "download": "VM.download",
    "export": "VM.export",
    "forward": "VM.forward VM.forwarder VM.stop_forwarder",
    "images": "VM.images VM.prune_images",
    "import": "VM.import_",
    "info": "VM.info",
    "init": "VM.init",
    "ip": "VM.ip",
    "logs": "VM.logs",
    "ls": "ls",
    "ports": "VM.ports",
    "poweroff": "VM.power_off",
    "rename": "VM.rename",
    "reset": "VM.reset",
    "restart": "VM.restart",
    "rollback": "VM.roll_back",
    "save": "VM.save",
    "set": "VM.set VM.own_settings",
    "shellinit": "VM.docker_host VM.environment VM.tls_environment",
    "snapshot": "VM.snapshots VM.take_snapshot VM.restore_snapshot VM.delete_snapshot",
    "ssh": "VM.run",
    "ssh-config": "VM.ssh_config",
    "status": "VM.state VM.forwarder",
    "up": "VM.up",
    "upgrade": "VM.upgrade VM.newer_image VM.pin VM.unpin",
}

WITHOUT: Mapping[str, str] = {
    "autostart": "It is about the login of a person.",
    "completion": "It is about a shell.",
    "console": "It joins a terminal to the VM; VM.logs reads the console.",
    "docker": "It is the client for a terminal; a program has a library, and VM.docker_host.",
    "help": "It is about the commands.",
    "shell": "It opens a shell at a terminal; VM.up and VM.environment are what it is made of.",
    "swarm": "It is about several VMs, and has no Python of its own yet; --json for programs.",
    "uninstall": "It is about all that is here, the user's shells among it.",
    "version": "boot2docker_py.__version__; VM.images has those of images.",
}

# What commands have of the machine beside the API: what a person sees while it is done, a terminal.
BESIDE = {"steps", "settled_address"}
BESIDE_IN = {"autostart.py": {"save"}}  # which lives on when the command's deadline has passed


def test_every_command_has_its_place_in_the_api() -> None:
    assert set(BY_COMMAND) | set(WITHOUT) == set(app.commands)
    assert set(BY_COMMAND) & set(WITHOUT) == set()


@pytest.mark.parametrize("command", sorted(BY_COMMAND))
def test_what_a_command_does_is_there_by_its_name(command: str) -> None:
    for name in BY_COMMAND[command].split():
        found: object = api
        for part in name.split("."):
            found = getattr(found, part)
        assert getattr(found, "__doc__", None), name


def test_every_verb_of_the_api_is_that_of_a_command() -> None:
    known = {name.rpartition(".")[2] for names in BY_COMMAND.values() for name in names.split()}
    assert {name for name in dir(api.VM) if not name.startswith("_")} == known - {"ls"}


@pytest.mark.parametrize("file", sorted(COMMANDS.glob("*.py")), ids=lambda file: str(file.name))
def test_commands_change_a_vm_through_the_api_alone(file: Path) -> None:
    assert set(_of_machine(file)) <= BESIDE | BESIDE_IN.get(file.name, set())


def _of_machine(file: Path) -> Iterator[str]:
    """Yield what a file has of the objects behind the API, as in `session.machine.up`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        above = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(above, ast.Attribute) and above.attr in ("machine", "upgrades"):
            assert isinstance(node, ast.Attribute)
            yield node.attr
