"""SSH, knowing nothing of VMs. The only user of paramiko.

Importing this package costs nothing; `connection` and `keys` load paramiko or cryptography.
"""

from __future__ import annotations

import warnings

# Not for the user's eyes: 3.8 is the last Python of Windows 7, and stays supported here.
warnings.filterwarnings("ignore", message="Python 3.8 is no longer supported")
