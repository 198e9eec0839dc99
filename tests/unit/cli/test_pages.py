"""The commands on the pages: each can be typed as it stands there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Iterator

import click
import pytest

from boot2docker_py import config as configuration
from boot2docker_py.cli.app import Command, app
from boot2docker_py.cli.session import Session
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.docker.contexts import context_name
from boot2docker_py.paths import USUAL_VM
from tests import typed
from tests.how_to import lines_of_code

REPOSITORY = Path(__file__).parents[3]
PAGES = [REPOSITORY / "README.md", *sorted(REPOSITORY.glob("docs/**/*.md"))]
LANGUAGES = {"sh", "bat", "powershell", "console"}
_OURS = r"(?:^|(?<!--context)[\s($\"])boot2docker (?P<words>\S.*)"
# The end of a command of ours within a line of a shell.
_END = re.compile(r"\s+#\s|\s*\|\s|\s*&&\s|\s*;\s|\)\"|\"\)|\)\s*$|\s>>?\s|\s2>")


def commands_of(page: Path) -> Iterator[str]:
    """Yield the commands of ours that stand in blocks of code."""
    for line in lines_of_code(page, LANGUAGES):
        for found in re.finditer(_OURS, line):
            yield _END.split(found["words"])[0].strip()


def examples() -> Iterator[str]:
    """Yield the examples of the help of all commands."""
    for command in app.commands.values():
        assert isinstance(command, Command)
        for example in command.examples:
            for found in re.finditer(_OURS, example):
                yield _END.split(found["words"])[0].strip()


COMMANDS = [
    pytest.param(page, command, id=f"{page.relative_to(REPOSITORY)}: {command}")
    for page in PAGES
    for command in commands_of(page)
]
COMMANDS += [pytest.param(Path("help"), example, id=f"help: {example}") for example in examples()]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_can_be_typed(
    page: Path, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read as the command line reads them; nothing is run."""
    for name in ("company.cer", "setup.sh", "registry.pem"):  # what pages name as the user's own
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.chdir(tmp_path)
    given = typed.read(command, is_posix=page.name != "windows.md")
    settings = {s.field: given[s.field] for s in SETTINGS if given.get(s.field) not in (None, ())}
    settings.pop("engine_ca", None)  # files, whose content is read
    configuration.load(Session().paths, os.environ, settings)


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.parent.name == "docs"])
def test_contexts_are_called_as_those_of_the_vms(page: Path) -> None:
    text = page.read_text("utf-8")
    vms = {USUAL_VM, *re.findall(r"--vm ([\w-]+)", text)}
    assert set(re.findall(r"docker --context ([\w-]+)", text)) <= set(map(context_name, vms))


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 80


@pytest.mark.parametrize("page", sorted((REPOSITORY / "docs" / "how-to").glob("*.md")))
def test_a_how_to_has_something_to_type(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "```" in text
    assert text.startswith("# ")


def test_a_wrong_command_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nboot2docker up --nosuch\n```\nboot2docker wrong\n")
    (command,) = commands_of(page)
    with pytest.raises(click.NoSuchOption):
        app.make_context("boot2docker", ["--nosuch"])
    assert command == "up --nosuch"
