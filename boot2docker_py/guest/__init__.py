"""Everything said to the guest: keys, seed, SSH, the engine's answer. The only user of paramiko.

Importing this package costs nothing; `ssh`, `terminal` and `keys` load paramiko or cryptography.
"""

from __future__ import annotations

import warnings

# Not for the user's eyes: 3.8 is the last Python of Windows 7, and stays (design.md, section 9).
warnings.filterwarnings("ignore", message="Python 3.8 is no longer supported")
