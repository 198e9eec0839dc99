"""How many descriptors this process may have: sockets and open files."""

from __future__ import annotations

import sys

# Linux gives what the hard limit allows; macOS no more than OPEN_MAX of its sys/syslimits.h.
# Windows has no limit that counts, but looks at each socket at each wait (see selector.py).
MOST = {"darwin": 10_240, "win32": 8_192}
MOST_ELSEWHERE = 65_536


def allow_many() -> int:
    """Raise the limit of this process as far as it goes; return what it is then."""
    most = MOST.get(sys.platform, MOST_ELSEWHERE)
    if sys.platform == "win32":
        return most
    else:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        if soft < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return max(soft, allowed) if soft != resource.RLIM_INFINITY else most
