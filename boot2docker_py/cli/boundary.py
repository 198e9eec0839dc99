"""The one place where errors end: words on the screen, tracebacks in the log, an exit status."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import sys
from pathlib import Path
from typing import Callable, NoReturn, Sequence

import click

from boot2docker_py import paths
from boot2docker_py.cli import log_file, screen, second_try
from boot2docker_py.cli.app import app
from boot2docker_py.cli.arguments import PASSES_WORDS_ON, go_switches
from boot2docker_py.cli.next_command import next_command
from boot2docker_py.cli.session import Session
from boot2docker_py.cli.usage import as_usage_error
from boot2docker_py.errors import Boot2DockerError, HypervisorEndedError
from boot2docker_py.host import reader

INTERRUPTED = 130
STDOUT, STDERR = 1, 2
LOG_BYTES = 1_000_000

# What follows them may have a password in it.
_MAY_BE_SECRET = ("--proxy", "--engine-env", "--engine-opt")
HIDDEN = "***"

OnEnd = Callable[[HypervisorEndedError], int]

log = logging.getLogger("boot2docker_py")


def run(arguments: Sequence[str], session: Session) -> int:
    """Run one command; return the exit status."""
    _have_streams()
    _never_fail_on_an_odd_terminal()
    if "_BOOT2DOCKER_COMPLETE" in os.environ:
        from boot2docker_py.cli.completion import asked

        asked.answer(os.environ, session)
        return 0
    _warn_of_root(paths.find(os.environ).home)
    log_file.keep(paths.find(os.environ))
    log.debug("boot2docker %s", _for_the_log(arguments))
    may_try_again = not second_try.is_this(os.environ)

    def on_end(problem: HypervisorEndedError) -> int:
        if may_try_again and not session.has_handed_over:
            screen.status_line.end()
            return second_try.begin(arguments)
        return _report(problem, arguments)

    session.on_hang = lambda problem: leave(on_end(problem))
    status = _run(arguments, session, on_end)
    log.debug("exit status %d", status)
    return status


def leave(status: int) -> NoReturn:
    """End the process at once.

    Python's own end would ask VirtualBox's server to let go of each object, and such a
    call can hang for ever (see `drivers/virtualbox/binding/server.py`).
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a closed one is None
        try:
            stream.flush()
        except (OSError, ValueError):  # the disk is full, the reader has gone, or it is closed
            status = status or 1
    logging.shutdown()
    os._exit(status)


def _run(arguments: Sequence[str], session: Session, on_end: OnEnd) -> int:
    words = go_switches(arguments)
    try:
        status = app.main(words, prog_name="boot2docker", standalone_mode=False, obj=session)
    except HypervisorEndedError as problem:
        return on_end(problem)
    except Boot2DockerError as problem:
        return _report(problem, arguments)
    except click.ClickException as problem:
        return _report(as_usage_error(problem), arguments)
    except (KeyboardInterrupt, click.Abort):
        phase = screen.status_line.phase
        screen.status_line.end()
        where = f' at "{screen.plain(phase)}", which may go on by itself' if phase else ""
        click.echo(f"interrupted{where}; run the command again to go on", err=True)
        return INTERRUPTED
    except Exception as defect:  # noqa: BLE001 - the last resort; no user sees a traceback
        if any(reader.is_gone(defect, stream) for stream in (STDOUT, STDERR)):
            # What Python would still flush there is lost anyway.
            os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
            return 1
        log.debug("%s", type(defect).__name__, exc_info=True)
        known = _as_broken_import(defect) or _as_file_problem(defect)
        if known is None:
            log_file.demand(paths.find(os.environ))
        return _report(known or _as_defect(defect), arguments)
    return status if isinstance(status, int) else 0


def _report(problem: Boot2DockerError, arguments: Sequence[str]) -> int:
    log.debug("%s: %s; %s", problem.code, problem.brief, problem.details)
    as_json = _wants_json(arguments)
    try:
        if as_json:
            error = {**problem.as_dict(), "resolution": next_command.of(problem)}
            screen.json_object({"error": error})
        else:
            screen.error(problem)
    except OSError as unsaid:  # the disk is full, or the reader has gone; the status remains
        log.debug("the error cannot be written: %s", unsaid)
        if as_json and not reader.is_gone(unsaid, STDOUT):
            with contextlib.suppress(OSError):
                screen.error(problem)
    return problem.exit_status


def _for_the_log(arguments: Sequence[str]) -> str:
    """Return the command line without what is passed on: people type passwords there."""
    ours = [*itertools.takewhile(lambda word: word not in PASSES_WORDS_ON, arguments)]
    rest = len(arguments) - len(ours) - 1
    if rest > 0:
        ours += [arguments[len(ours)], f"({rest} words)"]
    hidden = [False, *(word in _MAY_BE_SECRET for word in ours)]
    words = [HIDDEN if is_hidden else _shown(word) for word, is_hidden in zip(ours, hidden)]
    return " ".join(words)


def _shown(word: str) -> str:
    """Return a word of the command line; of `--flag=secret` the flag alone."""
    flag, equals, _value = word.partition("=")
    return f"{flag}={HIDDEN}" if equals and flag in _MAY_BE_SECRET else word


def _wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether `--json` was typed; asked of the words, for errors in the words themselves."""
    ours = itertools.takewhile(lambda word: word not in PASSES_WORDS_ON, arguments)
    return "--json" in ours


def _as_broken_import(defect: Exception) -> Boot2DockerError | None:
    if not isinstance(defect, ImportError):
        return None
    from boot2docker_py.cli import broken_imports

    return broken_imports.explained(defect)


def _as_file_problem(defect: Exception) -> Boot2DockerError | None:
    if not isinstance(defect, OSError):
        return None
    from boot2docker_py.host import file_problem

    return file_problem.explained(defect, paths.find(os.environ).home)


def _as_defect(defect: Exception) -> Boot2DockerError:
    return Boot2DockerError(
        "this is a defect of boot2docker, not of yours",
        details=f"{type(defect).__name__}: {defect}",
        resolution=f"Report it with the end of {paths.find(os.environ).log}.",
    )


def _warn_of_root(home: Path) -> None:
    if "SUDO_UID" not in os.environ:
        return
    from boot2docker_py.host import superuser

    whose = superuser.whose_home_as_root(home)
    if whose:
        words = f"This runs as root in the home of {whose}, who cannot use what it makes there"
        click.echo(f"warning: {words}: run it without sudo.", err=True)


def _have_streams() -> None:
    """Make up for streams that we were not given, as a program without a console has none."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for the whole run


def _never_fail_on_an_odd_terminal() -> None:
    """Print a question mark for what the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="replace")
