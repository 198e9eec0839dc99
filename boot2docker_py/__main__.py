"""Run the command line: `python -m boot2docker_py`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    # Looking for garbage while modules are loaded is a tenth of a short command, and finds none.
    gc.set_threshold(100_000)
    try:
        from boot2docker_py.cli.boundary import leave, run
        from boot2docker_py.cli.session import Session
    except KeyboardInterrupt:  # Ctrl-C while we load, before the boundary can see it
        sys.exit(130)
    status = run(sys.argv[1:], Session())
    leave(status)


if __name__ == "__main__":
    main()
