"""What `doctor --fix` does by itself: what is advised, where nothing of the user's is at stake.

No VM is started, stopped or changed, no connection of docker's is cut, and nothing needs more
rights than the user has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.host.file_problem import explained
from boot2docker_py.machine.doctor.findings import Check, Finding, Level

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Remedy:
    """One thing to do about what a check has found."""

    check: str
    did: str  # for the user, when it is done
    apply: Callable[[], object]


@dataclass(frozen=True)
class Outcome:
    """What became of a remedy."""

    check: str
    found: str
    did: str = ""
    failed: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return plain data for JSON."""
        return {"id": self.check, "found": self.found, "did": self.did, "failed": self.failed}


def apply(findings: Sequence[Finding], remedies: Sequence[Remedy], home: Path) -> Iterator[Outcome]:
    """Apply each remedy whose check has found something; yield what became of it."""
    for remedy in remedies:
        wrong = [one for one in findings if one.id == remedy.check and _is_wrong(one)]
        if not wrong:
            continue
        found = wrong[0].found
        try:
            remedy.apply()
        except Boot2DockerError as error:
            yield Outcome(remedy.check, found, failed=_words(error))
        except OSError as error:
            problem = explained(error, home)
            if problem is None:
                raise
            yield Outcome(remedy.check, found, failed=_words(problem))
        else:
            yield Outcome(remedy.check, found, did=remedy.did)


def to_look_at_again(checks: Sequence[Check], findings: Sequence[Finding]) -> list[Check]:
    """Return the checks that may find something else now: one remedy may help several."""
    names = {finding.id for finding in findings if finding.level is not Level.OK}
    return [check for check in checks if check.id in names]


def _is_wrong(finding: Finding) -> bool:
    return finding.level in (Level.WARNING, Level.FAILURE)


def _words(error: Boot2DockerError) -> str:
    return f"{error.brief}: {error.details}" if error.details else error.brief
