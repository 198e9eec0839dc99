"""What a sample of the commands leaves out."""

from __future__ import annotations

import os

# Each of its turns starts two VMs, which takes minutes on a busy machine.
collect_ignore = ["test_killed_swarm.py"] if os.environ.get("FAULTS_CASES") else []
