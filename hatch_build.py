"""The links of the distribution's metadata, for the build backend.

In: the variable SCRATCHPACK_REPOSITORY, the web address of the repository that builds a release. Out: `[project.urls]`. Without the variable a source
archive keeps the links it was made with, and a build of a checkout has none: the sources know no address of their own.
"""

from __future__ import annotations

import os
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PAGES = {
    "Source": "",
    "Documentation": "/blob/main/docs/README.md",
    "Changelog": "/blob/main/CHANGELOG.md",
    "Issues": "/issues",
}


class Links(MetadataHookInterface):
    """Fills in `urls`, which pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Put the links into the metadata in place."""
        metadata["urls"] = links(os.environ.get("SCRATCHPACK_REPOSITORY", ""), Path(self.root))


def links(address: str, root: Path) -> dict[str, str]:
    """The links below an address, or those of the source archive that was unpacked in ``root``."""
    if address:
        return {name: address.rstrip("/") + page for name, page in PAGES.items()}
    packed = root / "PKG-INFO"
    if not packed.exists():
        return {}
    headers = HeaderParser().parsestr(packed.read_text(encoding="utf-8"))
    pairs = (value.partition(", ") for value in headers.get_all("Project-URL", []))
    return {name: url for name, _, url in pairs}
