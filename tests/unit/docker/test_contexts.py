"""The docker context: what docker itself says of it, and what is never touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from boot2docker_py.cli import pointing
from boot2docker_py.docker.config import DockerConfig
from boot2docker_py.docker.contexts import Context, context_name, default_engine
from boot2docker_py.drivers.model import State
from boot2docker_py.endpoint.status import ForwarderStatus, ListenerStatus, Phase
from boot2docker_py.errors import ConfigError, StorageError, WrongStateError
from boot2docker_py.paths import Paths
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeSession

HOST = "unix:///run/docker.sock"
ODD = 'it\'s "my" Käse ☃'
CLIENT = shutil.which("docker")
needs_client = pytest.mark.skipif(CLIENT is None, reason="there is no docker client")


@pytest.fixture(params=["docker", ODD])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> DockerConfig:
    return DockerConfig(tmp_path / request.param)


@pytest.fixture
def context(config: DockerConfig, tmp_path: Path) -> Context:
    return context_of_vm_in(tmp_path, config)


def context_of_vm_in(home: Path, config: DockerConfig) -> Context:
    return Context(config, Paths(home, home).vm("boot2docker-vm"))


def docker(config: DockerConfig, *words: str) -> str:
    assert CLIENT
    environ = {**os.environ, "DOCKER_CONFIG": str(config.folder)}
    command = [CLIENT, "context", *words]
    answer = subprocess.run(command, env=environ, capture_output=True, check=False, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@needs_client
class TestRealClient:
    def test_lists_inspects_and_uses_it(self, config: DockerConfig, context: Context) -> None:
        host = f"unix:///home/{ODD}/docker.sock"
        assert context.publish(host)
        assert docker(config, "ls", "--quiet").split() == ["boot2docker", "default"]
        facts: dict[str, Any] = json.loads(docker(config, "inspect", "boot2docker"))[0]
        assert facts["Endpoints"]["docker"]["Host"] == host
        docker(config, "use", "boot2docker")
        assert context.is_used({})

    def test_finds_it_current_after_use_and_gone_after_remove(
        self, config: DockerConfig, context: Context
    ) -> None:
        context.publish(HOST)
        context.use()
        assert docker(config, "show").strip() == "boot2docker"
        assert context.remove()
        assert docker(config, "show").strip() == "default"
        assert docker(config, "ls", "--quiet").split() == ["default"]

    def test_keeps_our_mark_when_it_changes_the_context(
        self, config: DockerConfig, context: Context
    ) -> None:
        context.publish(HOST)
        docker(config, "update", "boot2docker", "--description", "mine")
        assert not context.publish(HOST)
        assert context.remove()

    def test_context_of_the_user_stays(self, config: DockerConfig, context: Context) -> None:
        docker(config, "create", "boot2docker", "--docker", "host=tcp://elsewhere:2375")
        before = docker(config, "inspect", "boot2docker")
        with pytest.raises(WrongStateError):
            context.publish(HOST)
        assert not context.remove()
        assert docker(config, "inspect", "boot2docker") == before


class TestSettings:
    def test_other_settings_and_rights_are_kept(
        self, config: DockerConfig, context: Context
    ) -> None:
        settings = {"auths": {"r.example": {}}, "plugins": {"ä": {"b": "1"}}}
        config.folder.mkdir()
        config.file.write_text(json.dumps(settings), encoding="utf-8")
        config.file.chmod(0o600)
        context.use()
        assert config.read() == {**settings, "currentContext": "boot2docker"}
        assert config.file.stat().st_mode & 0o777 == 0o600

    def test_link_to_the_settings_stays_a_link(
        self, config: DockerConfig, context: Context, tmp_path: Path
    ) -> None:
        config.folder.mkdir()
        (tmp_path / "dotfiles").write_text("{}")
        config.file.symlink_to(tmp_path / "dotfiles")
        context.use()
        assert config.file.is_symlink()
        assert "boot2docker" in (tmp_path / "dotfiles").read_text()

    def test_an_empty_file_is_no_settings_as_for_docker(
        self, config: DockerConfig, context: Context
    ) -> None:
        config.folder.mkdir()
        config.file.touch()
        context.use()
        assert config.current_context() == context.name

    def test_half_a_letter_stays_as_it_was_written(
        self, config: DockerConfig, context: Context
    ) -> None:
        config.folder.mkdir()
        config.file.write_bytes(b'{"detachKeys": "\\ud800"}')
        context.use()
        assert b'"\\ud800"' in config.file.read_bytes()
        assert config.current_context() == context.name

    @pytest.mark.parametrize("content", [b"{broken", b"[]", b"\xff\xfe", b"\xef\xbb\xbf{}"])
    def test_broken_settings_are_left_as_they_are(
        self, config: DockerConfig, context: Context, content: bytes
    ) -> None:
        config.folder.mkdir()
        config.file.write_bytes(content)
        with pytest.raises(ConfigError, match="cannot read docker's"):
            context.use()
        assert config.file.read_bytes() == content
        assert os.listdir(config.folder) == ["config.json"]

    def test_folder_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        context = context_of_vm_in(tmp_path, DockerConfig(tmp_path / "file" / "docker"))
        with pytest.raises((StorageError, ConfigError)):
            context.publish(HOST)

    def test_choice_names_its_place(self, config: DockerConfig, context: Context) -> None:
        assert config.choice({}).chosen_by == ""
        context.use()
        assert config.choice({}).chosen_by == str(config.file)
        both = {"DOCKER_HOST": "tcp://a:1", "DOCKER_CONTEXT": "b"}
        assert config.choice(both).chosen_by == "DOCKER_HOST"
        assert config.choice({"DOCKER_CONTEXT": "b"}).context == "b"


class TestOwnership:
    def test_vm_of_another_folder_keeps_its_context_while_it_lives(
        self, config: DockerConfig, tmp_path: Path
    ) -> None:
        first, second = (context_of_vm_in(tmp_path / home, config) for home in ("one", "two"))
        folder = tmp_path / "one" / "vms" / "boot2docker-vm"
        folder.mkdir(parents=True)
        first.publish(HOST)
        with pytest.raises(WrongStateError):
            second.publish("unix:///other")
        folder.rmdir()
        second.publish("unix:///other")
        assert second.remove()

    def test_new_one_is_taken_only_where_nobody_chose(
        self, config: DockerConfig, context: Context, tmp_path: Path
    ) -> None:
        nowhere = tmp_path / "nowhere"
        assert context.is_free_to_use({}, nowhere)
        assert not context.is_free_to_use({}, tmp_path)
        assert context.is_free_to_use({}, None)
        assert not context.is_free_to_use({"DOCKER_HOST": "tcp://a:1"}, nowhere)
        assert not context.is_free_to_use({"DOCKER_CONTEXT": "default"}, nowhere)
        config.set_current_context("another")
        assert not context.is_free_to_use({}, nowhere)


@pytest.mark.parametrize(
    ("vm", "name"),
    [
        ("boot2docker-vm", "boot2docker"),
        ("test", "test"),
        ("default", "boot2docker-default"),
        ("boot2docker", "boot2docker-boot2docker"),
        ("x", "boot2docker-x"),
        ("my vm", "my-vm"),
        ("Käse", "K-se"),
        ("☃", "boot2docker--"),
    ],
)
def test_names_are_such_as_docker_takes(vm: str, name: str) -> None:
    assert context_name(vm) == name


def test_docker_folder_is_the_users_unless_named(tmp_path: Path) -> None:
    assert DockerConfig.find({}, tmp_path).folder == tmp_path / ".docker"
    named = str(tmp_path / "named")
    assert DockerConfig.find({"DOCKER_CONFIG": named}, tmp_path).folder == tmp_path / "named"


def test_default_engine_is_a_pipe_on_windows() -> None:
    assert str(default_engine("win32")) == r"\\.\pipe\docker_engine"


class TestCommands:
    def up(self, boot2docker: Boot2Docker, *words: str) -> Any:
        return boot2docker(["up", *words], FakeSession(FakeDriver(State.OFF), FakeEndpoint()))

    def test_use_makes_it_current_and_delete_takes_it_back(
        self, boot2docker: Boot2Docker, tmp_path: Path
    ) -> None:
        answer = self.up(boot2docker, "--use")
        assert (answer.status, answer.out) == (0, "")
        assert "docker uses it (context 'boot2docker')" in answer.err
        settings = tmp_path / ".docker" / "config.json"
        assert json.loads(settings.read_text())["currentContext"] == "boot2docker"
        boot2docker(["delete", "-f"], FakeSession(FakeDriver(State.OFF), FakeEndpoint()))
        assert json.loads(settings.read_text()) == {}

    def test_other_choice_of_the_user_stays(self, boot2docker: Boot2Docker, tmp_path: Path) -> None:
        DockerConfig(tmp_path / ".docker").set_current_context("mine")
        answer = self.up(boot2docker)
        assert answer.out == "export DOCKER_HOST=unix:///fake/docker.sock\n"
        assert "docker --context boot2docker ..." in answer.err
        assert DockerConfig(tmp_path / ".docker").current_context() == "mine"

    def test_engine_is_up_though_dockers_settings_are_broken(
        self, boot2docker: Boot2Docker, tmp_path: Path
    ) -> None:
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text("{broken")
        answer = self.up(boot2docker)
        expected = (0, "export DOCKER_HOST=unix:///fake/docker.sock\n")
        assert (answer.status, answer.out) == expected, answer.err
        assert "warning: cannot read docker's" in answer.err
        assert (tmp_path / ".docker" / "config.json").read_text() == "{broken"
        assert self.up(boot2docker, "--use").status == 2


def test_a_default_engine_that_is_ours_is_no_other_choice() -> None:
    """On Windows the forwarder itself serves docker's own pipe, when no other program has it."""
    endpoint = FakeEndpoint()
    session = FakeSession(FakeDriver(State.RUNNING), endpoint)
    assert pointing.engine_of_others(session) == default_engine()
    docker_engine = ListenerStatus("npipe:////./pipe/docker_engine")
    endpoint.health = ForwarderStatus("1", 1, Phase.FORWARDING, listeners=(docker_engine,))
    assert pointing.engine_of_others(session) is None


def test_a_place_that_could_not_be_had_is_not_served() -> None:
    taken = ListenerStatus("tcp://127.0.0.1:2375", problem="it is taken")
    health = ForwarderStatus("1", 1, Phase.FORWARDING, listeners=(taken,))
    assert not health.serves("tcp://127.0.0.1:2375")
    assert not health.serves("npipe:////./pipe/docker_engine")
