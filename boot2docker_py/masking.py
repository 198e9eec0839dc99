"""Passwords and tokens that stand in addresses, kept out of what is shown and written down."""

from __future__ import annotations

import logging
import re

# The user's part may hold an `@` of its own; also without slashes, as `http:me:secret@host`.
# What is no secret is what we advise to type: USER:PASSWORD.
# Each part has a bound, or a long text from an untrusted source would take hours.
_USER = (
    r"(?i)\b([a-z][a-z0-9+.-]{0,20}:(?://|(?=[^\s/@:]{0,200}:[^\s/@]{0,200}@)))"
    r"(?!USER:PASSWORD@)[^\s/'\"<>]{1,500}@"
)
# Of an address, or of its path alone, as urllib3 names it in errors.
_QUERY = r"(?<=[\w/.~%-])\?[^\s'\"<>()?]*=[^\s'\"<>()]*"

MASK = "***"


def without_secrets(text: str) -> str:
    """Return the text with the addresses in it, but no user's part or query of them."""
    if "@" in text:
        text = re.sub(_USER, r"\1", text)
    if "?" in text:
        text = re.sub(_QUERY, f"?{MASK}", text)
    return text


class WithoutSecrets(logging.Formatter):
    """Lines of a log, the end of which users are asked to send with a report."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_secrets(super().format(record))
