"""The forwarder's process: `python -m boot2docker_py.endpoint SETTINGS`, see `process.py`."""

from __future__ import annotations

import sys

from boot2docker_py.endpoint import forwarder

sys.exit(forwarder.main(sys.argv[1:]))
