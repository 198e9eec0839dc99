"""What must be true before a VM is made: certain hindrances stop it, guesses are said."""

from __future__ import annotations

import logging
from typing import Sequence

from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.wait import Check, Deadline

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0


def demand(checks: Sequence[Check], kind: type[Boot2DockerError]) -> None:
    """Raise an error of the kind for the first check that fails for certain; warn of guesses."""
    deadline = Deadline(TIMEOUT_S)
    for check in checks:
        reason = check.probe(deadline)
        if reason is None:
            continue
        if not check.is_guess:
            raise kind(
                f"this host does not have {check.what}", details=reason, resolution=check.hint
            )
        log.warning("A VM may not start here. %s: %s. %s", check.what, reason, check.hint)
