"""Commands in forks of one process that has loaded the program: loading is most of what they take.

Run as a program it reads orders, one a line, and answers each with the exit status; a fork counts
the durable steps of its command, and kills itself before the one that is fatal.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping, NoReturn, Sequence

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "subprocess.Popen")
SAME_QUESTIONS = 5  # who waits asks the same place again and again: a few of these count


class Forks:
    """The process that forks, while `with` lasts."""

    def __init__(self, environ: Mapping[str, str], root: Path, answers: Path) -> None:
        self._answers = [answers / "stdout", answers / "stderr"]
        answers.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forks", *map(str, self._answers)],
            env=environ,
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, words: Sequence[str], fatal: int) -> subprocess.CompletedProcess[str]:
        """Run a command, killed before its `fatal`-th step; 0: to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([fatal, words]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = (file.read_text("utf-8") for file in self._answers)
        return subprocess.CompletedProcess(words, status, out, err)

    def close(self) -> None:
        self._process.communicate()


class Steps:
    """What others could see of a command, counted."""

    def __init__(self, fatal: int) -> None:
        self._fatal = fatal
        self._asked: collections.Counter[str] = collections.Counter()
        self.count = 0

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count an event of Python's audit, if it is a step, and die when it is the fatal one."""
        is_open = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if is_open and str(arguments[0]).endswith(("boot2docker.log", ".pyc")):
            return
        is_question = event == "socket.connect"
        if is_question:
            self._asked[str(arguments[1])] += 1
            if self._asked[str(arguments[1])] > SAME_QUESTIONS:
                return
        if is_open or is_question or event in STEPS:
            if not is_question:
                self._asked.clear()
            self.count += 1
            if self.count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def be_command(fatal: int, words: list[str], answers: list[str]) -> NoReturn:
    """Be the command, and end with its exit status."""
    from boot2docker_py.cli import boundary
    from boot2docker_py.cli.session import Session

    with open(os.devnull) as nothing:  # noqa: PTH123 - no file
        os.dup2(nothing.fileno(), 0)
    for number, answer in enumerate(answers, start=1):
        with Path(answer).open("w") as file:
            os.dup2(file.fileno(), number)
    sys.argv[1:] = words
    steps = Steps(fatal)
    sys.addaudithook(steps.see)
    status = boundary.run(words, Session())
    print("steps", steps.count, file=sys.stderr)
    boundary.leave(status)


def main(answers: list[str]) -> None:
    """Fork for each order."""
    from boot2docker_py.cli import boundary, session  # noqa: F401 - loaded once, for all

    for order in sys.stdin:
        fork = os.fork()
        if fork == 0:
            try:
                fatal, words = json.loads(order)
                be_command(fatal, words, answers)
            finally:
                os._exit(70)
        _, status = os.waitpid(fork, 0)
        print(
            -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1:])
