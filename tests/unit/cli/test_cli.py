"""The command line: what is typed, what is answered, on which stream, with which status."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

import pytest

from boot2docker_py import __version__
from boot2docker_py.cli import help as pages
from boot2docker_py.cli.app import MODULES, app
from boot2docker_py.cli.arguments import go_switches
from boot2docker_py.cli.help import ALIASES, GROUPS, summary_of
from boot2docker_py.cli.summaries import SUMMARIES
from boot2docker_py.config.settings import SETTINGS
from boot2docker_py.drivers.model import USUAL, Boot, State
from boot2docker_py.machine.changing import SETTABLE
from tests.conftest import Boot2Docker
from tests.fakes import FakeDriver, FakeEndpoint, FakeImages, FakeSession
from tests.unit.image.iso_bytes import make_iso


def session(state: State = State.RUNNING) -> FakeSession:
    return FakeSession(FakeDriver(state), FakeEndpoint())


class TestWords:
    def test_flags_stand_before_or_after_the_command(self, boot2docker: Boot2Docker) -> None:
        for words in (["--memory=4096", "config"], ["config", "--memory", "4096"]):
            assert "Memory = 4096  # flag --memory" in boot2docker(words).out

    def test_later_flag_counts(self, boot2docker: Boot2Docker) -> None:
        assert "Memory = 2000" in boot2docker(["-m", "1000", "config", "-m2000"]).out

    @pytest.mark.parametrize("words", [["--dhcp=false"], ["--dhcp=0"], ["--no-dhcp"]])
    def test_switch_can_be_switched_off(self, boot2docker: Boot2Docker, words: list[str]) -> None:
        assert "DHCP = false" in boot2docker([*words, "config"]).out
        assert "DHCP = false" in boot2docker(["config", *words]).out

    @pytest.mark.parametrize(
        "words", [["up"], ["init"], ["restart"], ["reset"], ["down"], ["save"], ["poweroff"]]
    )
    def test_a_setting_that_comes_too_late_is_named(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        answer = boot2docker([*words, "--memory", "3000"], session())
        assert answer.status == 0
        assert "--memory 3000 has no effect" in answer.err

    def test_a_variable_that_is_no_setting_is_named(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BOOT2DOCKER_MEMROY", "512")
        answer = boot2docker(["status"], session())
        assert answer.out == "running\n"
        assert "BOOT2DOCKER_MEMROY is no setting (did you mean BOOT2DOCKER_MEMORY?)" in answer.err

    @pytest.mark.parametrize("words", [["up", "--cpus", "1000"], ["down"], ["status"], ["delete"]])
    def test_a_name_that_was_only_tried_leaves_nothing(
        self, boot2docker: Boot2Docker, home: Path, words: list[str]
    ) -> None:
        boot2docker([*words, "--vm", "my vm"], session(State.ABSENT))
        assert not list(home.glob("vms/my vm*"))

    def test_switch_takes_no_other_word(self, boot2docker: Boot2Docker) -> None:
        assert boot2docker(["config", "--dhcp=maybe"]).status == 2

    def test_what_follows_ssh_is_left_as_it_is(self) -> None:
        words = ["--verbose=true", "ssh", "docker", "--verbose=false", "--json"]
        assert go_switches(words) == ["--verbose", *words[1:]]

    def test_a_flag_that_came_too_late_is_named(self, boot2docker: Boot2Docker) -> None:
        session = FakeSession(FakeDriver(State.ABSENT), FakeEndpoint())
        answer = boot2docker(["ssh", "--vm", "m1vm", "hostname"], session)
        assert answer.status == 3
        taken = "'--vm m1vm hostname' was taken for the command in the VM"
        assert taken in answer.err
        assert taken not in boot2docker(["ssh", "hostname"], session).err

    def test_ssh_passes_its_flags_to_the_vm(self, boot2docker: Boot2Docker) -> None:
        """Even those that we have ourselves."""
        answer = boot2docker(["ssh", "7", "--json", "--vm", "x", "--help"], session())
        assert (answer.status, answer.out) == (7, "")

    @pytest.mark.parametrize("words", [[""], [" "], ["", ""]])
    def test_an_empty_command_opens_no_shell(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        """A script whose variable is not set would wait for what nobody types."""
        answer = boot2docker(["ssh", *words], session())
        assert answer.status == 2
        assert "the command is empty" in answer.err

    @pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
    def test_aliases(self, boot2docker: Boot2Docker, alias: str, name: str) -> None:
        usage, _, rest = boot2docker(["help", alias]).out.partition("\n")
        assert usage.startswith(f"Usage: boot2docker {alias} ")
        assert rest == boot2docker(["help", name]).out.partition("\n")[2]

    def test_unknown_command_is_answered_with_the_nearest(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["statsu"])
        assert (answer.status, answer.out) == (2, "")
        assert "unknown command 'statsu'; did you mean 'status'?" in answer.err

    def test_unknown_flag_is_answered_with_the_nearest(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["up", "--memroy", "5"])
        assert answer.status == 2
        assert "--memory" in answer.err

    @pytest.mark.parametrize(
        "words",
        [
            ["up", "now"],
            ["--memory"],
            ["up", "--memory"],
            ["up", "--vm", "a/b"],
            ["help", "nosuch"],
            # A variable of a script that is not set must not name the folder that we are in.
            ["cp", "", "vm:/tmp/"],
            ["cp", "vm:/etc/hostname", ""],
            ["export", ""],
            ["import", ""],
            ["clone", "new", "--from", ""],
            ["set", "--restart"],
        ],
    )
    def test_wrong_usage_exits_with_2(self, boot2docker: Boot2Docker, words: list[str]) -> None:
        answer = boot2docker(words, session())
        assert (answer.status, answer.out) == (2, "")
        assert answer.err.startswith("error: ")

    def test_obsolete_flag_is_answered(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["status", "--retries=75", "--serial=true"], session())
        assert (answer.status, answer.out) == (0, "running\n")
        assert "--retries has no effect: every wait ends by --timeout" in answer.err
        assert "--serial has no effect" in answer.err

    @pytest.mark.parametrize(
        "words",
        [
            ["--hostip", "192.168.59.4"],
            ["--share-symlinks"],
            ["--gui"],
            ["--basevmdk", "base.vmdk"],
        ],
        ids=lambda words: words[0],
    )
    def test_flag_that_the_driver_cannot_follow_is_answered(
        self,
        boot2docker: Boot2Docker,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
    ) -> None:
        qemu = tmp_path / "qemu"
        qemu.write_text("#!/bin/sh\nexit 1\n")
        qemu.chmod(0o755)
        monkeypatch.setenv("BOOT2DOCKER_QEMU", str(qemu))
        answer = boot2docker(["status", *words])
        assert answer.status == 3
        assert f"{words[0]} has no effect with driver qemu" in answer.err


def fits_a_screen(page: str) -> bool:
    """Tell whether a page fits 24 lines of 80 columns, the last for the next prompt."""
    lines = page.splitlines()
    return len(lines) < 24 and max(map(len, lines)) <= 80


def test_every_command_is_in_the_module_that_is_imported_for_it() -> None:
    found: dict[str, set[str]] = {module: set() for module in MODULES}
    for name, command in app.commands.items():
        assert command.callback is not None
        module = inspect.unwrap(command.callback).__module__.rpartition(".")[2]
        found[module].add(name)
    assert found == {module: set(names) for module, names in MODULES.items()}


class TestHelp:
    @pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"]])
    def test_the_first_page_names_all_commands_on_one_screen(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        answer = boot2docker(words)
        assert (answer.status, answer.err) == (0, "")
        named = set(re.findall(r"[a-z-]+", answer.out))
        assert {*app.commands} <= named
        assert fits_a_screen(answer.out)

    @pytest.mark.parametrize("page", [pages.first_page, pages.all_commands])
    def test_no_line_is_cut_on_a_narrow_terminal(self, page: Callable[..., str]) -> None:
        lines = page(60).splitlines()
        assert max(map(len, lines)) < 60
        assert "".join("".join(lines).split()) == "".join(page(80).split())

    @pytest.mark.parametrize("name", sorted(app.commands))
    def test_the_page_of_a_command_fits_a_screen(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        assert fits_a_screen(boot2docker(["help", name]).out)

    def test_a_setting_that_a_page_only_names_is_explained_with_the_options(
        self, boot2docker: Boot2Docker
    ) -> None:
        named = boot2docker(["help", "set"]).out.partition("Settings (")[2]
        explained = boot2docker(["help", "options"]).out
        flags = re.findall(r"--[a-z-]+", named.partition("Examples:")[0])
        assert len(flags) == len(SETTABLE)
        for flag in flags:
            assert re.search(rf"^(-\w, )?{flag}\b", explained, re.MULTILINE)

    def test_all_commands_are_listed_with_their_aliases(self, boot2docker: Boot2Docker) -> None:
        listed = boot2docker(["help", "all"]).out
        for name in app.commands:
            assert f"\n  {name} " in listed
        for alias, name in ALIASES.items():
            (row,) = (row for row in listed.splitlines() if row.startswith(f"  {name} "))
            assert alias in row
        assert max(map(len, listed.splitlines())) <= 80

    def test_every_command_is_in_one_group(self) -> None:
        grouped = [name for names in GROUPS.values() for name in names]
        assert sorted(grouped) == sorted(app.commands)

    def test_summaries_are_those_of_the_commands(self) -> None:
        said = {name: summary_of(command) for name, command in app.commands.items()}
        assert said == SUMMARIES, "run `make docs`"

    def test_options_have_a_page_that_lists_every_setting(self, boot2docker: Boot2Docker) -> None:
        page = boot2docker(["help", "options"]).out
        assert all(setting.flag in page for setting in SETTINGS)

    @pytest.mark.parametrize("name", sorted(app.commands))
    def test_every_command_has_examples_that_can_be_copied(
        self, boot2docker: Boot2Docker, name: str
    ) -> None:
        lines = boot2docker(["help", name]).out.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("Example"))
        examples = [line for line in lines[start + 1 :] if line.startswith("  ")]
        assert any(f"boot2docker {name}" in example for example in examples)

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    @pytest.mark.parametrize("name", ["ssh", "docker", "shell"])
    def test_help_alone_is_ours_and_behind_dashes_the_commands(
        self, boot2docker: Boot2Docker, name: str, flag: str
    ) -> None:
        usage = f"Usage: boot2docker {name}"
        assert usage in boot2docker([name, flag]).out
        of_command = session()
        answer = boot2docker([name, "--", flag], of_command)
        assert usage not in answer.out
        if name == "shell":  # which runs it here, where no program has such a name
            assert (answer.status, flag in answer.err) == (127, True)
        else:
            assert str(of_command.connection.commands[-1][-1]).split()[-1] == flag

    def test_help_has_no_formulas(self, boot2docker: Boot2Docker) -> None:
        for name in app.commands:
            assert ">=" not in boot2docker(["help", name]).out

    def test_an_empty_command_brings_no_vm_up(self, boot2docker: Boot2Docker) -> None:
        off = session(State.OFF)
        answer = boot2docker(["shell", ""], off)
        assert (answer.status, "command is empty" in answer.err) == (2, True)
        assert off.driver.state() is State.OFF

    def test_version_is_an_option_too(self, boot2docker: Boot2Docker) -> None:
        first_line = boot2docker(["version"]).out.splitlines()[0]
        assert boot2docker(["--version"]).out.splitlines() == [first_line]

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (["up", "--memroy", "5"], "there is no option --memroy; did you mean --memory?"),
            (["up", "--zzz"], "there is no option --zzz\n"),
            (
                ["--force", "delete"],
                "there is no option --force; a command's own options go behind",
            ),
            (["UP"], "unknown command 'UP'; did you mean 'up'?"),
            (["config", "--memory"], "--memory needs a value behind it"),
            (["config", "--dhcp=maybe"], "--dhcp takes no value"),
            (["logs", "nosuch"], "NAME: 'nosuch' is not one of"),
            (["logs", "-n", "-1"], "-n must be a whole number, 0 or more\n"),
            (["logs", "-n", "all"], "-n must be a whole number, 0 or more\n"),
            (["swarm", "create", "x", "--nodes", "two"], "--nodes must be a whole number\n"),
            (["snapshot", "tkae", "x"], "snapshot does not know 'tkae'; did you mean 'take'?"),
            (["images", "purne"], "images does not know 'purne'; did you mean 'prune'?"),
            (["swarm", "crate", "x"], "swarm does not know 'crate'; did you mean 'create'?"),
            (["autostart", "of"], "autostart does not know 'of'; did you mean 'off'?"),
            (["autostart", "maybe"], "autostart does not know 'maybe'\n"),
            (["autostart", "ru"], "autostart does not know 'ru'\n"),
            (["up", "now"], "got unexpected extra argument (now)"),
        ],
    )
    def test_usage_errors_have_one_form(
        self, boot2docker: Boot2Docker, words: list[str], error: str
    ) -> None:
        answer = boot2docker(words)
        assert answer.status == 2
        assert f"error: {error}" in answer.err
        assert "try: boot2docker help " in answer.err

    def test_works_with_a_broken_profile(self, boot2docker: Boot2Docker, home: Path) -> None:
        home.mkdir()
        (home / "profile").write_text("= broken")
        assert boot2docker(["help", "up"]).status == 0
        assert boot2docker(["version"]).status == 0
        assert boot2docker(["status"]).status == 2


class TestAnswers:
    def test_data_goes_to_stdout_and_words_to_stderr(self, boot2docker: Boot2Docker) -> None:
        assert boot2docker(["status"], session()).out == "running\n"
        assert boot2docker(["ip"], session()).out == "127.0.0.1\n"
        answer = boot2docker(["down"], session())
        assert answer.out == ""
        assert "VM 'boot2docker-vm' is off." in answer.err

    def test_up_prints_what_a_shell_evaluates(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DOCKER_CONTEXT", "another")
        answer = boot2docker(["up"], session(State.OFF))
        assert answer.out == "export DOCKER_HOST=unix:///fake/docker.sock\n"

    def test_up_says_what_it_waits_for_in_plain_lines(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["up"], FakeSession(FakeDriver(State.OFF), FakeEndpoint(polls=3)))
        assert "Starting VM 'boot2docker-vm'..." in answer.err
        assert "The VM boots..." in answer.err
        assert "\r" not in answer.err

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (State.OFF, "Next: docker run hello-world\n"),
            (State.RUNNING, "docker uses it (context 'boot2docker').\n"),
        ],
    )
    def test_up_ends_with_what_to_type_next(
        self, boot2docker: Boot2Docker, state: State, words: str
    ) -> None:
        boot2docker(["up", "--use"], session())
        assert boot2docker(["up"], session(state)).err.endswith(words)

    def test_reset_says_that_the_memory_goes(self, boot2docker: Boot2Docker) -> None:
        assert "VM 'boot2docker-vm' is running; what its memory" in (
            boot2docker(["reset"], session()).err
        )
        assert "its memory" not in boot2docker(["reset"], session(State.OFF)).err

    @pytest.mark.parametrize("words", [["up", "-v"], ["down", "-v"], ["save", "-v"]])
    def test_verbose_says_what_each_step_took(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        assert re.search(r"steps: .+: [0-9.]+ s\n", boot2docker(words, session()).err)

    def test_version(self, boot2docker: Boot2Docker) -> None:
        assert boot2docker(["version"]).out == f"boot2docker_py version: v{__version__}\n"
        assert json.loads(boot2docker(["version", "--json"]).out)["image"] is None

    def test_version_says_how_old_the_image_is(self, boot2docker: Boot2Docker, home: Path) -> None:
        home.mkdir()
        (home / "boot2docker.iso").write_bytes(make_iso(volume_id="b2d-v28.2.2-20200101"))
        facts = json.loads(boot2docker(["version", "--json"]).out)["image"]
        assert facts["version"] == "28.2.2-20200101"
        assert facts["age_days"] > 2000
        assert re.search(
            r"\nimage version: v28.2.2-20200101, \d{4,} days old\n$", boot2docker(["version"]).out
        )

    @pytest.mark.parametrize(
        "content",
        [b"", b"<html>", make_iso()[:40_000], make_iso(volume_id="Boot2Docker")],
        ids=["empty", "a web page", "cut short", "without a version"],
    )
    def test_version_of_an_image_that_tells_none(
        self, boot2docker: Boot2Docker, home: Path, content: bytes
    ) -> None:
        home.mkdir()
        (home / "boot2docker.iso").write_bytes(content)
        answer = boot2docker(["version"])
        assert answer.status == 0
        assert answer.out.startswith(f"boot2docker_py version: v{__version__}\n")
        assert "days old" not in answer.out

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
    def test_version_does_not_wait_for_an_image_without_end(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        home.mkdir()
        os.mkfifo(home / "boot2docker.iso")
        assert boot2docker(["version"]).status == 0

    def test_info_has_the_keys_of_the_original(self, boot2docker: Boot2Docker) -> None:
        facts = json.loads(boot2docker(["info"], session()).out)
        for key in ("Name", "UUID", "Iso", "State", "CPUs", "Memory", "CfgFile", "BaseFolder"):
            assert key in facts
        assert (facts["State"], facts["SSHPort"]) == ("running", 2022)

    def test_error_has_brief_details_and_resolution(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["ip"], session(State.PAUSED))
        assert answer.err == (
            "error: VM 'boot2docker-vm' is not running: it is paused\ntry: boot2docker up\n"
        )

    @pytest.mark.parametrize("words", [["ip"], ["save"], ["ssh"]])
    def test_a_vm_that_is_off_is_called_off(
        self, boot2docker: Boot2Docker, words: list[str]
    ) -> None:
        answer = boot2docker(words, session(State.OFF))
        assert "is not running: it is off" in answer.err
        assert "poweroff" not in answer.err

    def test_a_saved_vm_is_made_off_without_a_boot(self, boot2docker: Boot2Docker) -> None:
        answer = boot2docker(["down"], session(State.SAVED))
        assert "it is saved" in answer.err
        advised = "boot2docker poweroff --discard-saved"
        assert advised in answer.err
        saved = session(State.SAVED)
        assert boot2docker(advised.split()[1:], saved).status == 0
        assert saved.driver.state() is State.OFF
        assert not saved.driver.boots


class TestJson:
    @pytest.mark.parametrize(
        "words",
        [
            ["init"],
            ["up"],
            ["down"],
            ["poweroff"],
            ["restart"],
            ["reset"],
            ["save"],
            ["status"],
            ["info"],
            ["ip"],
            ["config"],
            ["download"],
            ["upgrade"],
            ["delete"],
            ["version"],
            ["completion", "bash"],
        ],
    )
    def test_every_answer_is_one_object(self, boot2docker: Boot2Docker, words: list[str]) -> None:
        for arguments in ([*words, "--json"], ["--json", *words]):
            answer = boot2docker(arguments, session())
            assert answer.status == 0, answer
            assert isinstance(json.loads(answer.out), dict)

    @pytest.mark.parametrize(
        ("words", "code", "status"),
        [
            (["ip"], "wrong_state", 4),
            (["status", "--vm", "a/b"], "usage", 2),
            (["--nosuch", "status"], "usage", 2),
            (["nosuch"], "usage", 2),
        ],
    )
    def test_errors_are_objects_too(
        self, boot2docker: Boot2Docker, words: list[str], code: str, status: int
    ) -> None:
        answer = boot2docker([*words, "--json"], session(State.OFF))
        error = json.loads(answer.out)["error"]
        assert (answer.status, error["code"], error["exit_status"]) == (status, code, status)

    def test_state_before_and_after(self, boot2docker: Boot2Docker) -> None:
        facts = json.loads(boot2docker(["save", "--json"], session()).out)
        assert facts.pop("seconds") >= 0
        assert [step["step"] for step in facts.pop("steps")] == ["save"]
        assert facts == {"vm": "boot2docker-vm", "found": "running", "state": "saved"}

    @pytest.mark.parametrize(
        ("words", "state", "steps"),
        [
            (["up"], State.ABSENT, ["image", "make", "start", "boot", "engine"]),
            (["up"], State.SAVED, ["start", "connect", "engine"]),
            (["up"], State.RUNNING, ["connect", "engine"]),
            (["restart"], State.RUNNING, ["shut down", "start", "boot", "engine"]),
            (["reset"], State.RUNNING, ["stop", "start", "boot", "engine"]),
            (["down"], State.RUNNING, ["shut down"]),
        ],
    )
    def test_each_step_has_its_seconds(
        self, boot2docker: Boot2Docker, words: list[str], state: State, steps: list[str]
    ) -> None:
        facts = json.loads(boot2docker([*words, "--json"], session(state)).out)
        assert [step["step"] for step in facts["steps"]] == steps
        assert 0 <= sum(step["seconds"] for step in facts["steps"]) <= facts["seconds"] + 0.01


class TestDefects:
    def test_traceback_goes_to_the_log_and_the_screen_says_where(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        class Defective(FakeDriver):
            def state(self) -> State:
                raise ZeroDivisionError("a defect")

        answer = boot2docker(["status"], FakeSession(Defective(), FakeEndpoint()))
        assert answer.status == 1
        assert "Traceback" not in answer.err
        assert str(home / "boot2docker.log") in answer.err
        assert "Traceback" in (home / "boot2docker.log").read_text()

    def test_a_broken_pipe_that_is_not_ours_to_the_user_is_said(
        self, boot2docker: Boot2Docker
    ) -> None:
        """It passed for a reader that went away: status 1 without a word."""

        class Hanging(FakeDriver):
            def state(self) -> State:
                raise BrokenPipeError("the monitor hung up")

        answer = boot2docker(["status"], FakeSession(Hanging(), FakeEndpoint()))
        assert answer.status == 1
        assert "the monitor hung up" in answer.err

    def test_interrupt_exits_with_130(self, boot2docker: Boot2Docker) -> None:
        class Interrupted(FakeDriver):
            def start(self, _boot: Boot = USUAL) -> None:
                raise KeyboardInterrupt

        answer = boot2docker(["up"], FakeSession(Interrupted(State.OFF), FakeEndpoint()))
        assert answer.status == 130
        assert "interrupted" in answer.err

    @pytest.mark.parametrize("words", [["delete"], ["reset", "--wipe"]])
    def test_interrupt_at_a_question_ends_its_line(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch, words: list[str]
    ) -> None:
        class Keyboard(io.StringIO):
            def isatty(self) -> bool:
                return True

            def readline(self, *_size: object) -> Any:
                raise KeyboardInterrupt

        monkeypatch.setattr(sys, "stdin", Keyboard())
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        answer = boot2docker(words, session())
        assert answer.status == 130
        assert answer.err.splitlines()[-1].startswith("interrupted")

    def test_delete_of_no_vm_asks_nothing(
        self, boot2docker: Boot2Docker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        answer = boot2docker(["delete"], session(State.ABSENT))
        assert answer.status == 0
        assert "There is no VM 'boot2docker-vm'." in answer.err
        assert "all that is on its disk" not in answer.err

    def test_log_that_cannot_be_written_stops_nothing(
        self, boot2docker: Boot2Docker, home: Path
    ) -> None:
        home.parent.mkdir(exist_ok=True)
        home.write_text("a file where the folder should be")
        assert boot2docker(["version"]).status == 0
        answer = boot2docker(["status"])
        assert answer.status == 2
        assert f"'{home}' is not a folder" in answer.err

    def test_home_that_cannot_even_be_looked_at(
        self, boot2docker: Boot2Docker, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BOOT2DOCKER_DIR", str(home.with_name("long" * 100)))
        assert boot2docker(["version"]).status == 0
        assert boot2docker(["status"]).status in (1, 3)  # Windows: it is not there


def run_program(*words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    arguments = [sys.executable, "-m", "boot2docker_py", *words]
    return subprocess.run(
        arguments, capture_output=True, env={**os.environ, **environ}, check=False
    )


class TestProcess:
    def test_odd_encoding_of_the_terminal_is_no_failure(self) -> None:
        answer = run_program("config", "--vm", "Käyttäjä ☃", PYTHONIOENCODING="cp437:strict")
        assert answer.returncode == 0
        assert b"VM = " in answer.stdout

    @pytest.mark.parametrize("words", [["config"], ["--help"], ["shellinit", "--shell", "cmd"]])
    def test_reader_that_goes_away_is_no_defect(self, words: list[str]) -> None:
        """Windows does not call it a broken pipe."""
        command = [sys.executable, "-m", "boot2docker_py", *words]
        with subprocess.Popen(command, stdout=-1, stderr=-1) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            said = process.stderr.read()
        assert process.returncode != 0
        assert b"Traceback" not in said
        assert b"defect" not in said

    @pytest.mark.skipif(sys.platform == "win32", reason="words are Unicode there")
    def test_words_that_are_no_unicode_are_logged_by_their_bytes(self, home: Path) -> None:
        home.mkdir()
        answer = run_program(os.fsdecode(b"st\xe4tus"))
        assert answer.returncode == 2
        assert answer.stderr.startswith(b"error: unknown command")
        assert "\\udce4" in (home / "boot2docker.log").read_text()

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
    @pytest.mark.parametrize(
        ("words", "stream", "status", "said"),
        [
            ("--json config", ">", 1, "error: there is no space left"),
            ("--json --vm / config", ">", 2, "error: --vm must be a plain name"),
            ("--json --vm / config", "| true; exit ${PIPESTATUS[0]} #", 2, ""),
            ("--vm / config", "2>", 2, ""),
        ],
    )
    def test_an_error_that_cannot_be_written_keeps_its_status(
        self, words: str, stream: str, status: int, said: str
    ) -> None:
        command = f"'{sys.executable}' -m boot2docker_py {words} {stream} /dev/full"
        answer = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=False
        )
        assert answer.returncode == status
        assert answer.stderr.startswith(said)
        assert "Traceback" not in answer.stderr

    def test_asking_for_the_state_imports_nothing_heavy(self) -> None:
        """What makes every command slow to start is loaded only by those that need it."""
        program = (
            "import sys; from boot2docker_py.cli.boundary import run;"
            "from boot2docker_py.cli.session import Session;"
            "run(['status'], Session());"
            "heavy = {'paramiko', 'cryptography', 'requests', 'tomllib', 'hashlib'};"
            "heavy -= {'hashlib'} if sys.platform == 'win32' else set();"  # names of pipes
            "print(sorted(heavy & set(sys.modules)))"
        )
        with tempfile.TemporaryDirectory() as home:  # the place of its sockets has no long name
            environ = {**os.environ, "BOOT2DOCKER_DIR": home}
            command = [sys.executable, "-c", program]
            answer = subprocess.run(
                command, env=environ, capture_output=True, check=True, text=True
            )
        assert answer.stdout.strip().endswith("[]")


def test_images_are_not_touched_by_questions(boot2docker: Boot2Docker) -> None:
    class Untouchable(FakeImages):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(name)

    driver, endpoint = FakeDriver(State.RUNNING), FakeEndpoint()
    for command in ("status", "info", "ip"):
        fakes = FakeSession(driver, endpoint, Untouchable.__new__(Untouchable))
        assert boot2docker([command], fakes).status == 0


@pytest.mark.parametrize("command", [["status"], ["version"], ["doctor"], ["config"], ["ports"]])
def test_a_command_that_makes_nothing_leaves_no_folder(
    boot2docker: Boot2Docker, home: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("BOOT2DOCKER_DIR", "relative")
    boot2docker(command, FakeSession(FakeDriver(State.ABSENT), FakeEndpoint()))
    assert not (home.parent / "relative").exists()


def test_the_log_begins_with_what_made_the_home(boot2docker: Boot2Docker, home: Path) -> None:
    boot2docker(["init"], FakeSession(FakeDriver(State.ABSENT), FakeEndpoint()))
    text = (home / "boot2docker.log").read_text()
    assert text.splitlines()[0].endswith("boot2docker init")
