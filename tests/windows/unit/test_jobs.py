"""What outlives a command that is in a job, as a CI runner or a terminal has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Microsoft, "JOBOBJECT_BASIC_LIMIT_INFORMATION"
LETS_OUT = 0x00000800  # JOB_OBJECT_LIMIT_BREAKAWAY_OK

# 144 bytes are a JOBOBJECT_EXTENDED_LIMIT_INFORMATION, 9 is its number; its flags come after 16.
COMMAND = """
import ctypes, struct, sys
from ctypes import wintypes
from boot2docker_py.host import detached
kernel = ctypes.WinDLL("kernel32")
kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = wintypes.HANDLE
job = wintypes.HANDLE(kernel.CreateJobObjectW(None, None))
limits = struct.pack("16xI124x", int(sys.argv[1]))
assert kernel.SetInformationJobObject(job, 9, limits, len(limits))
assert kernel.AssignProcessToJobObject(job, wintypes.HANDLE(kernel.GetCurrentProcess()))
child = detached.start([sys.executable, "-c", "input()"], stdin=-1)
is_in_job = wintypes.BOOL()
assert kernel.IsProcessInJob(wintypes.HANDLE(int(child._handle)), job, ctypes.byref(is_in_job))
child.communicate(b"\\n")
print(bool(is_in_job), child.returncode)
"""


@pytest.mark.parametrize(("limits", "is_in_job"), [(LETS_OUT, b"False"), (0, b"True")])
def test_it_leaves_the_job_where_that_lets_it_out(limits: int, is_in_job: bytes) -> None:
    command = [sys.executable, "-c", COMMAND, str(limits)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)
    assert done.stdout.split() == [is_in_job, b"0"], done.stderr
