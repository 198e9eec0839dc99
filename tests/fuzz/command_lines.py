"""Command lines, profiles and variables that nobody means, through the boundary."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Iterator
from unittest import mock

from boot2docker_py.cli import boundary
from boot2docker_py.cli.app import app
from boot2docker_py.cli.help import ALIASES
from boot2docker_py.cli.session import Session
from boot2docker_py.config.settings import OBSOLETE, SETTINGS
from tests.fuzz.chance import Chance
from tests.fuzz.trial import Case, Target

STATUSES = {*range(11), 130, 255}
# They run the user's own programs, or serve for ever.
LEFT_OUT = {"shell", "forward", "docker", "console"}
COMMANDS = sorted({*app.commands, *ALIASES, "nonsense", ""} - LEFT_OUT)
SWITCHES = {setting.flag for setting in SETTINGS if not setting.metavar} | {"--json", "--force"}
FLAGS = sorted(
    {flag for setting in SETTINGS for flag in setting.flags.split()}
    | {obsolete.flag for obsolete in OBSOLETE if obsolete.flag}
    | {
        "--json",
        "--shell",
        "--tls",
        "--root",
        "-f",
        "--force",
        "-n",
        "--help",
        "--",
        "-",
        "--unset",
    }
    | {"--wait", "--snapshot", "--all", "--fix"}
)
VALUES = [
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "9" * 20,
        "9" * 5000,
        "1e9",
        "nan",
        "inf",
        "0x10",
        "1_000",
        "\u0663",
    ),
    *("true", "false", "../x", "..", ".", "/", "/dev/null", "/etc/passwd", "~", "~nobody/x"),
    *("a\nb", "\x1b[31mred", "\udcff\udcfe", "$(id)", "`id`", "%PATH%", "'\"!", "CON", "aux.txt"),
    *("x" * 300, "vm:", "vm:x", "vm:../..", "http://[::1/x", "http://h:99999/", "file://[/x"),
    *("http://127.0.0.1:1/x", "https://u:s3cr3t@127.0.0.1:1/x?t=s3cr3t", "ftp://x", "\u202e"),
    *("qemu", "virtualbox", "auto", "off", "all", "1.2.3.4", "256.1.1.1", "::1", "C:\\x"),
    *("disable", "a=b=c", "=", "/=x y", "f" * 64, "engine", "console", "bash", "cmd", "up", "down"),
]
LINES = [
    *('VM = "x"', "VM = 1", 'VM = ""', 'vm = "a"\nVM = "b"', "[a.b]\nc=1", "Memory = 1e400"),
    *("Memory = nan", "Memory = 9223372036854775808", 'VBoxShare = [["a"]]', "HostIP = 1979-05-27"),
    *("DHCPEnabled = 2", "Timeout = -inf", "Verbose = []", "a = " + "[" * 2000, "\x00", "= 1"),
    *(
        '"" = 1',
        "VM = '''\n'''",
        "\ufeffVM='z'",
        "x" * 10000,
        "a.b.c.d = 1",
        "Memory = " + "9" * 5000,
    ),
]
NAME_A_FILE = {"--iso", "--sshkey", "--serialfile"}


def _flag(chance: Chance) -> list[str]:
    name = chance.choice([flag for flag in FLAGS if flag not in NAME_A_FILE])
    if name in SWITCHES and chance.random() < 0.8:
        return [name]
    value = chance.choice(VALUES)
    return [f"{name}={value}"] if chance.random() < 0.3 else [name, value]


def _words(chance: Chance) -> list[str]:
    words = [word for _ in range(chance.choice((0, 0, 1, 2))) for word in _flag(chance)]
    words.append(chance.choice(COMMANDS))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        words += _flag(chance) if chance.random() < 0.6 else [chance.choice(VALUES)]
    return [word for word in words if word not in LEFT_OUT] + ["--timeout", "0.01"]


def command_line(chance: Chance, folder: Path) -> Case:
    """No traceback, no unknown exit status, no secret, no control character of others."""
    home = folder / "home"
    home.mkdir()
    if chance.random() < 0.2:
        text = "\n".join(chance.sample(LINES, chance.randint(1, 3))).encode(
            "utf-8", "surrogatepass"
        )
        (home / "profile").write_bytes(chance.mutated(text) if chance.random() < 0.3 else text)
    words = _words(chance)
    environ = {
        **{name: value for name, value in os.environ.items() if name in ("SYSTEMROOT", "TEMP")},
        **{"HOME": str(folder), "USERPROFILE": str(folder), "BOOT2DOCKER_DIR": str(home)},
        **{
            "BOOT2DOCKER_QEMU": "/nonexistent",
            "BOOT2DOCKER_DRIVER": "qemu",
            "PATH": "/nonexistent",
        },
        **{"DOCKER_CONFIG": str(folder / "docker"), "SHELL": "/bin/sh", "NO_PROXY": "*"},
    }
    if chance.random() < 0.2:
        setting = chance.choice([one for one in SETTINGS if one.flag not in NAME_A_FILE])
        environ[setting.variable] = chance.choice(VALUES)

    def use() -> None:
        with _alone(environ, folder) as printed:
            status = boundary.run(words, Session())
        log = (home / "boot2docker.log").read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in log, log[log.index("Traceback") :][-1500:]
        assert status in STATUSES, f"exit status {status}"
        assert "\x1b[31mred" not in "".join(printed), "a control character of others is printed"
        assert "s3cr3t" not in log, "a secret is in the log"

    return repr((words, environ.get("BOOT2DOCKER_DIR"))).encode("utf-8", "backslashreplace"), use


@contextlib.contextmanager
def _alone(environ: dict[str, str], folder: Path) -> Iterator[list[str]]:
    """Let a command run with this environment, no input, and its output kept."""
    printed: list[str] = []
    kept = [io.BytesIO() for _ in range(3)]
    streams = [io.TextIOWrapper(one, "utf-8", errors="surrogateescape") for one in kept]
    before, was_disabled = Path.cwd(), logging.root.manager.disable
    os.chdir(folder)
    logging.disable(logging.NOTSET)  # the log is what is looked at
    try:
        with mock.patch.dict(os.environ, environ, clear=True), contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(streams[1]))
            stack.enter_context(contextlib.redirect_stderr(streams[2]))
            stack.enter_context(mock.patch.object(sys, "stdin", streams[0]))
            yield printed
    finally:
        for stream, memory in zip(streams, kept):
            stream.flush()
            printed.append(memory.getvalue().decode(errors="replace"))
        logging.disable(was_disabled)
        os.chdir(before)
        for handler in list(boundary.log.handlers):
            boundary.log.removeHandler(handler)
            handler.close()
        shutil.rmtree(folder / "docker", ignore_errors=True)


TARGETS: dict[str, Target] = {"command_line": command_line}
