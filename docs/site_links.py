"""A hook of MkDocs: pages of the project that lie outside of docs/ are pages of the site, too."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).parent.parent
# Where each lies in the repository, and in the site.
OUTSIDE = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "iso/README.md": "image-itself.md",
}
_LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere."""
    for place, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(REPOSITORY / place).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links between the pages of the repository lead to the pages of the site."""
    del config, files
    places = {page: place for place, page in OUTSIDE.items()}
    site_place = page.file.src_uri
    here = places.get(site_place, f"docs/{site_place}")
    return _LINK.sub(
        lambda found: found[1] + _in_site(found[2], here, site_place) + found[3], markdown
    )


def _in_site(target: str, here: str, site_place: str) -> str:
    """Return a link of a file of the repository as one of its page."""
    named = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
    named = f"{named}/README.md" if named == "docs/decisions" else named
    in_site = OUTSIDE.get(named) or named.partition("docs/")[2]
    if not in_site:
        return target
    return posixpath.relpath(in_site, posixpath.dirname(site_place) or ".")
