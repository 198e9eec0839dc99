"""No advice that cannot work: each command that we advise exists, and is not refused as such."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Iterator

import click
import pytest

from boot2docker_py.drivers.model import State
from boot2docker_py.errors import NotFoundError, UsageError, WrongStateError
from tests import typed
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession
from tests.unit.machine.test_states import STATES, cells

PACKAGE = Path(__file__).parents[3] / "boot2docker_py"
# What may follow the name of the program in a sentence about it.
PROSE = frozenset(
    "as does has here image in is needs never off profile runs that with would NAME VM".split()
)
# What marks lines of ours in files of the user's.
MARKS = {"completion"}
# What stands in the place of a value that is not known yet.
VALUES = {"flags": "--vbox-share NAME"}
REFUSED = {UsageError.exit_status, NotFoundError.exit_status, WrongStateError.exit_status}


def texts_of(file: Path) -> Iterator[str]:
    """Yield the texts that a file of the package has for people, values replaced by NAME."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(node.value)  # a docstring
        elif node not in inner and (text := _text(node)) is not None:
            inner.update(ast.walk(node))
            yield text


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return VALUES.get(getattr(node.value, "id", ""), "NAME")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return left + right if left is not None and right is not None else None
    return None


COMMANDS = [
    pytest.param(command, id=f"{file.relative_to(PACKAGE)}: {command}")
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.name != "scripts.py"  # of shells
    for text in texts_of(file)
    for command in typed.commands_in(text)
    if "%" not in command  # which a log fills in
    if command not in MARKS
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_advised_can_be_typed(command: str) -> None:
    if not typed.is_command(command):
        assert command.split()[0] in PROSE
        return
    typed.read(command)


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 150


@pytest.mark.parametrize(
    "command", ["up --nosuch", "snapshot make x", "set --memory", "help nosuch", "--vm a nosuch"]
)
def test_a_wrong_command_is_noticed(command: str) -> None:
    with pytest.raises((click.ClickException, UsageError, AssertionError)):
        typed.read(command)


def test_a_flag_of_ours_behind_ssh_is_noticed() -> None:
    with pytest.raises(AssertionError, match="'--vm' goes to the VM"):
        typed.read("ssh --vm two docker ps")


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Run 'boot2docker up' or 'boot2docker reset'.", ["up", "reset"]),
        ("Make space, then: boot2docker up", ["up"]),
        ("See (boot2docker logs -f boot); more: boot2docker help.", ["logs -f boot", "help"]),
        ('boot2docker cp "a b" vm:/tmp/, and name the copy', ['cp "a b" vm:/tmp/']),
        ("a defect of boot2docker, not of yours", []),
    ],
)
def test_commands_are_found_in_sentences(text: str, commands: list[str]) -> None:
    assert list(typed.commands_in(text)) == commands


class World:
    """One VM in a state, and what is typed about it."""

    def __init__(self, boot2docker: Boot2Docker, state: State) -> None:
        self._boot2docker = boot2docker
        self.driver, self.endpoint = FakeDriver(state), FakeEndpoint()
        if state is not State.ABSENT:
            self.driver.had_snapshot("clean")
        self.endpoint.is_running = state is State.RUNNING

    def type(self, command: str) -> tuple[int, str]:
        """Type a command; return its exit status, and what it answers with `--json`."""
        words = next(typed.alternatives(command.split()))
        names = {"NAME": "new-name", "SNAPSHOT": "clean", "FILE": "a.file", "ADDRESS": "10.0.0.1"}
        words = [names.get(word, word) for word in words]
        answer = self._boot2docker(words, FakeSession(self.driver, self.endpoint))
        return answer.status, answer.out

    def follow(self, advice: str) -> None:
        """Type what is advised, one after the other; nothing may be refused for what the VM is."""
        for command in filter(typed.is_command, typed.commands_in(advice)):
            status, answer = self.type(command)
            assert status not in REFUSED, f"{command} is advised, and says: {answer}"


REFUSALS = [(command, state) for command, state, status, _after in cells() if status]


@pytest.fixture(autouse=True)
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")  # a docker client of this machine plays no part
    monkeypatch.chdir(tmp_path)
    FakeDriver(State.OFF).export(tmp_path / "old.vm")


@pytest.mark.parametrize(("command", "state"), REFUSALS)
def test_what_a_refused_command_advises_is_possible(
    boot2docker: Boot2Docker, command: str, state: str
) -> None:
    world = World(boot2docker, STATES[state])
    words = command.split()
    at = next((i for i, word in enumerate(words) if word in ("ssh", "docker", "shell")), 1)
    answer = boot2docker(
        [*words[:at], "--json", *words[at:]] if at else ["--json", *words],
        FakeSession(world.driver, world.endpoint),
    )
    advice = json.loads(answer.out)["error"]["resolution"] if command != "doctor" else ""
    world.follow(advice)


@pytest.mark.parametrize("state", list(State))
def test_what_doctor_advises_is_possible(boot2docker: Boot2Docker, state: State) -> None:
    for finding in _findings(boot2docker, state):
        World(boot2docker, state).follow(finding["fix"])


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("variable", ["DOCKER_HOST", "DOCKER_CONTEXT"])
def test_what_doctor_advises_of_another_engine_is_possible(
    boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, variable: str, state: State
) -> None:
    monkeypatch.setenv(variable, {"DOCKER_HOST": "tcp://10.0.0.1:2376"}.get(variable, "other"))
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    for finding in _findings(boot2docker, state):
        World(boot2docker, state).follow(finding["fix"])


def _findings(boot2docker: Boot2Docker, state: State) -> list[dict[str, str]]:
    world = World(boot2docker, state)
    _status, answer = world.type("doctor --json")
    findings: list[dict[str, str]] = json.loads(answer)["findings"]
    return findings
