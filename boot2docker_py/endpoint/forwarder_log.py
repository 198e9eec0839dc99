"""The forwarder's log: what it says, and what Python says of it on stderr, in one bounded file."""

from __future__ import annotations

import contextlib
import io
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from boot2docker_py.masking import WithoutSecrets

LIMIT_BYTES = 256 * 1024  # of the log, and of the older one beside it
STDERR = 2


def keep(path: Path) -> None:
    """Write what this process logs, and all that goes to its stderr, to `path` from now on."""
    handler = _Log(path)
    handler.setFormatter(WithoutSecrets("%(asctime)s %(process)d %(levelname)s %(message)s"))
    package = logging.getLogger("boot2docker_py")
    package.addHandler(handler)
    package.setLevel(logging.INFO)


class _Log(logging.handlers.RotatingFileHandler):
    """A log that is this process's stderr too, so that only one place in the file is written to."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), maxBytes=LIMIT_BYTES)

    def _open(self) -> io.TextIOWrapper:
        log = Path(self.baseFilename)
        stream = log.open("a", encoding="utf-8", errors="backslashreplace")
        os.dup2(stream.fileno(), STDERR)
        return stream

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Say nothing when the disk is full: there is no other place for it."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Begin a new file; the older one is kept beside it.

        Windows renames no file that is being read. Then the file grows until that has ended, but
        not beyond twice its limit.
        """
        # If this fails on its way, logging opens the log for a later record; a closed one it keeps.
        before, self.stream = self.stream, None  # type: ignore[assignment]
        if before:
            before.close()
        with Path(os.devnull).open("w", encoding="ascii") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        log = Path(self.baseFilename)
        try:
            log.replace(log.with_name(log.name + ".1"))
        except OSError:
            with contextlib.suppress(OSError):
                if log.stat().st_size >= 2 * LIMIT_BYTES:
                    os.truncate(log, 0)
        self.stream = self._open()
