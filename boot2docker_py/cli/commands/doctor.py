"""The command that looks at everything at once, and says how to fix it."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Iterator

import click

from boot2docker_py.cli import screen
from boot2docker_py.cli.app import app
from boot2docker_py.cli.commands.life import with_session
from boot2docker_py.cli.session import Session

if TYPE_CHECKING:
    from boot2docker_py.machine.doctor.findings import Finding, Patient

COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}
ID_WIDTH = 10  # of the longest, but for those of the host, which are cut


@app.command()
@with_session
def doctor(session: Session) -> int:
    """Look for what is wrong, and say how to fix it.

    It looks at this machine, the VM, its engine and the docker client.

    Nothing is changed. The exit status is that of the first failure, and 0 when there are none;
    a warning is no failure. Example: boot2docker doctor --json
    """
    from boot2docker_py.machine.doctor import CHECKS

    patient = _patient(session)
    found: list[Finding] = []
    for check in CHECKS:
        for finding in check.look(patient):
            found.append(finding)
            if not session.as_json:
                screen.status_line.clear()
                _show(finding)
    failures = [finding for finding in found if finding.level == "failure"]
    warnings = sum(finding.level == "warning" for finding in found)
    if session.as_json:
        facts = {"failures": len(failures), "warnings": warnings}
        findings = [finding.as_dict() for finding in found]
        screen.json_object({"vm": session.config.vm, **facts, "findings": findings})
    else:
        counts = _counted(len(failures), "failure"), _counted(warnings, "warning")
        screen.words(", ".join(counts) + ".")
    return failures[0].exit_status if failures else 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _patient(session: Session) -> Patient:
    from boot2docker_py.host import autostart
    from boot2docker_py.machine.doctor.findings import Patient

    return Patient(
        vm=session.config.vm,
        open_driver=lambda: session.driver,
        endpoint=session.endpoint,
        connect=lambda address, deadline: session.access.connect(address, deadline),
        exchange=lambda deadline, is_plain: session.access.exchange_problem(
            deadline, is_plain=is_plain
        ),
        is_plain=session.config.plain_ssh,
        look_at_engine=lambda deadline: session.access.engine_state(deadline),
        context=session.context,
        docker_config=session.docker_config,
        certificates=session.paths.certificates(session.config.vm),
        environ=os.environ,
        platform=sys.platform,
        autostart=autostart.entry(session.config.vm),
        now_s=time.time,
        deadline=session.deadline,
    )


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level.value:<8}", fg=COLOURS.get(finding.level.value))
    lines = list(_lines(finding))
    click.echo(f"{level} {screen.plain(lines[0])}")
    for line in lines[1:]:
        screen.words(f"{'':<8} {line}", is_data=True)


def _lines(finding: Finding) -> Iterator[str]:
    """Yield the finding in lines that fit the screen, the id before the first."""
    # The ids of the host's checks are long, and say what stands beside them.
    head = f"{finding.id.partition('-')[0]:<{ID_WIDTH}} "
    indent = " " * len(head)
    width = screen.width() - 9
    is_sentence = finding.fix.endswith(".")
    fix = finding.fix if is_sentence else f"try: {finding.fix}"
    for paragraph in [finding.found, *([fix] if finding.fix else [])]:
        for line in paragraph.splitlines() or [""]:
            yield from textwrap.wrap(
                line,
                width,
                initial_indent=head,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            ) or [head.rstrip()]
            head = indent
