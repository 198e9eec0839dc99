"""The log of all commands. A command that makes nothing leaves nothing behind, no log either."""

from __future__ import annotations

import collections
import contextlib
import io
import logging
import sys
from pathlib import Path

from boot2docker_py import paths
from boot2docker_py.errors import Boot2DockerError
from boot2docker_py.masking import WithoutSecrets

LOG_BYTES = 1_000_000
MOST_KEPT = 1000

log = logging.getLogger("boot2docker_py")


def keep(found: paths.Paths) -> None:
    """Log into the home, as soon as there is one."""
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(_InHome(found))


def demand(found: paths.Paths) -> None:
    """Make the home for a log that a user may have to send."""
    with contextlib.suppress(Boot2DockerError):
        paths.make_private_folder(found.home)
    log.debug("the log begins in '%s'", found.home)


def end() -> None:
    """Close the log, which is about to be removed."""
    for handler in [one for one in log.handlers if isinstance(one, _InHome)]:
        log.removeHandler(handler)
        handler.close()


class _InHome(logging.Handler):
    """Keep what is logged until the home is there."""

    def __init__(self, found: paths.Paths) -> None:
        super().__init__()
        self._found = found
        self._kept: collections.deque[logging.LogRecord] = collections.deque(maxlen=MOST_KEPT)
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Log it, after what was kept before."""
        self._kept.append(record)
        if self._file is None:
            self._file = _opened(self._found)
        while self._file is not None and self._kept:
            self._file.handle(self._kept.popleft())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        super().close()


class _UntilFull(logging.FileHandler):
    """A file that loses lines when the disk is full: what matters is said by the command itself."""

    def _open(self) -> io.TextIOWrapper:
        """Write what is no Unicode, as names of files may be, by its bytes (3.9: `errors=`)."""
        file = Path(self.baseFilename).open("ab")  # noqa: SIM115 - the handler closes it
        return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Say nothing when the file cannot be written."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Close the file, whatever is left to be written."""
        with contextlib.suppress(OSError):
            super().close()


def _opened(found: paths.Paths) -> logging.Handler | None:
    """Return what writes the log, None as long as there is no home."""
    file = found.log
    try:
        if not found.home.exists():
            return None
        paths.secure_home(found)
        if file.exists() and file.stat().st_size > LOG_BYTES:
            with contextlib.suppress(PermissionError):  # on Windows, another command has it open
                file.replace(file.with_suffix(".log.1"))
        paths.make_private_file(file)
        handler = _UntilFull(file, encoding="utf-8")
    except (OSError, Boot2DockerError):
        # A log that cannot be written must not keep the command from running; a command that
        # needs the folder says itself what is wrong with it.
        return logging.NullHandler()
    pattern = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(WithoutSecrets(pattern))
    return handler
