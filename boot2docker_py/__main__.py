"""Run the command line: `python -m boot2docker_py`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and end the process with its exit status."""
    try:
        from boot2docker_py.cli.boundary import run
        from boot2docker_py.cli.session import Session
    except KeyboardInterrupt:  # Ctrl-C while we load, before the boundary can see it
        sys.exit(130)
    sys.exit(run(sys.argv[1:], Session()))


if __name__ == "__main__":
    main()
