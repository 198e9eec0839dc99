"""Names that Windows gives to devices, so that no file and no folder can have them there."""

from __future__ import annotations

import re

# With any ending; blanks before it do not count. See
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_DEVICES = r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)"


def is_device(name: str) -> bool:
    """Tell whether Windows takes the name of a file for that of a device."""
    return re.match(_DEVICES, name) is not None
