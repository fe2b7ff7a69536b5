"""Bills of materials: what is in an image, written as SPDX 2.3 or CycloneDX 1.6 by the libraries of those formats.

The same image gives the same bytes: identifiers come from digests, times from the image's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scratchpack.sbom.model import Bill


class Format(NamedTuple):
    """How a format is called by registries, and by file names."""

    media_type: str
    suffix: str


FORMATS = {
    "spdx": Format("application/spdx+json", ".spdx.json"),
    "cyclonedx": Format("application/vnd.cyclonedx+json", ".cdx.json"),
}


def render(kind: str, bill: Bill) -> bytes:
    """The bill as a JSON document of this format ("spdx" or "cyclonedx")."""
    if kind == "spdx":
        from scratchpack.sbom.spdx import document

        return document(bill)
    from scratchpack.sbom.cyclonedx import document as cyclonedx_document

    return cyclonedx_document(bill)
