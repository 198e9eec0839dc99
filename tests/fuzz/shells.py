"""Values that want to be code, through the real shells that are here, and back."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from boot2docker_py.docker import shells
from tests.fuzz.chance import Chance
from tests.fuzz.trial import Case, Target

PIECES = [
    *(
        "$(touch mark)",
        "`touch mark`",
        "';touch mark;'",
        '";touch mark;"',
        "\\",
        "'",
        '"',
        "!",
        "!!",
    ),
    *("$HOME", "${HOME}", "%PATH%", "~", "*", "?", "[a]", "{a,b}", " ", "  ", "\t", "\n", "\r"),
    *("\x01", "\x1b[0m", "\x7f", "#", ";", "&", "|", "<", ">", "(", ")", "^", "=", "-n", "\u2018"),
    *("\u2019", "\u00e9", "\U0001f600", "\udcff", "$'x'", "\\'", "\\n", "\\\\", "a", "/x", ":h"),
    *("!:0", "$", "@", "\u0085", "\u2028", "\xa0"),
]
EVALUATE = {
    "bash": ["bash", "--norc", "-c", 'eval "$(cat code)"; printenv X'],
    "sh": ["dash", "-c", 'eval "$(cat code)"; printenv X'],
    "zsh": ["zsh", "-f", "-c", 'eval "$(cat code)"; printenv X'],
    "fish": ["fish", "--no-config", "-c", "cat code | source; printenv X"],
    "tcsh": ["tcsh", "-f", "-c", 'eval "`cat code`"; printenv X'],
}


def value_in_a_shell(chance: Chance, folder: Path) -> Case:
    """Set a variable, and read it back; nothing in it may run."""
    value = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 6)))
    there = [shell for shell, words in EVALUATE.items() if shutil.which(words[0])]
    shell = chance.choice(there)
    language = chance.choice(("C.UTF-8", "C"))

    def use() -> None:
        line = shells.set_line(shell, "X", value) + "\n" + shells.unset_line(shell, "Y") + "\n"
        (folder / "code").write_bytes(os.fsencode(line))
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": language}
        answer = subprocess.run(
            EVALUATE[shell],
            capture_output=True,
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not (folder / "mark").exists(), f"{shell} ran what is in the value"
        assert answer.stdout[:-1] == os.fsencode(value), f"{shell} makes another value of it"

    return f"{shell}: {value!r}".encode("utf-8", "backslashreplace"), use


TARGETS: dict[str, Target] = (
    {"value_in_a_shell": value_in_a_shell} if os.name == "posix" and shutil.which("dash") else {}
)
