"""The command that looks at everything at once, and says how to fix it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Iterator

import click

from boot2docker_py.cli import screen, terminal
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.next_command import next_command
from boot2docker_py.cli.session import Session

if TYPE_CHECKING:
    from boot2docker_py.machine.doctor.findings import Finding
    from boot2docker_py.machine.doctor.remedies import Outcome

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}
ID_WIDTH = 10  # of the longest, except those of the host, which are cut


@app.command()
@click.option("--fix", is_flag=True, help="Also fix what can be fixed safely, and look again.")
@with_session
def doctor(session: Session, *, fix: bool) -> int:
    """Look for what is wrong, and say how to fix it.

    It looks at this machine, the VM, its engine and the docker client.

    Nothing is changed without --fix, which starts the forwarder, sets the VM's clock, makes or
    removes the docker context, fetches certificates anew, and gives you the rights on your own
    files. The exit status is that of the first failure that is left, and 0 when there are none; a
    warning is no failure. Example: boot2docker doctor --json
    """
    from boot2docker_py.machine.doctor import visit

    show = _not_shown if session.as_json else _show
    found, outcomes = visit.pay(session, fix=fix, show=show)
    failures = [finding for finding in found if finding.level == "failure"]
    warnings = sum(finding.level == "warning" for finding in found)
    if session.as_json:
        facts = {"failures": len(failures), "warnings": warnings}
        findings = [
            {**finding.as_dict(), "fix": next_command.pointed(finding.fix)} for finding in found
        ]
        fixes = {"fixes": [outcome.as_dict() for outcome in outcomes]} if fix else {}
        screen.json_object({"vm": session.config.vm, **facts, **fixes, "findings": findings})
    else:
        counts = _counted(len(failures), "failure"), _counted(warnings, "warning")
        screen.words(", ".join(counts) + ".")
    return failures[0].exit_status if failures else 0


def _not_shown(_one: Finding | Outcome) -> None:
    pass


def _show(one: Finding | Outcome) -> None:
    from boot2docker_py.machine.doctor.remedies import Outcome

    if isinstance(one, Outcome):
        screen.words(_told(one), is_data=True)
    else:
        _show_finding(one)


def _told(outcome: Outcome) -> str:
    words = outcome.did or f"could not be fixed: {outcome.failed}"
    return f"{'fixed' if outcome.did else 'not fixed':<8} {outcome.check:<{ID_WIDTH}} {words}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _show_finding(finding: Finding) -> None:
    colour = COLOURS.get(finding.level.value)
    level = screen.styled(f"{finding.level.value:<8}", err=False, fg=colour)
    lines = list(_lines(finding))
    screen.show(f"{level} {screen.plain(lines[0])}", err=False)
    for line in lines[1:]:
        screen.words(f"{'':<8} {line}", is_data=True)


def _lines(finding: Finding) -> Iterator[str]:
    """Yield the finding in lines that fit the screen, the id before the first.

    What is to be typed stays in one piece.
    """
    # The ids of the host's checks are long, and say what stands beside them.
    head = f"{finding.id.partition('-')[0]:<{ID_WIDTH}} "
    indent = " " * len(head)
    width = screen.width() - 10
    fix = screen.advice(next_command.pointed(finding.fix))
    for line in finding.found.splitlines() or [""]:
        yield from textwrap.wrap(
            line,
            width,
            initial_indent=head,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [head.rstrip()]
        head = indent
    for line in fix.splitlines() if finding.fix else ():
        yield from terminal.lines_of(indent + line, width)
