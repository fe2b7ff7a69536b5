"""Bills of materials: a :class:`~scratchpack.sbom.model.Bill` of an image goes in, an SPDX 2.3 or CycloneDX 1.6 document comes out.

The libraries of those formats write it. They are larger than all else that scratchpack needs, so they come with the extra ``sbom``.
The same image gives the same bytes: identifiers come from digests, times from the image's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import UsageError

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

LIBRARIES = ("cyclonedx", "license_expression", "packageurl", "spdx_tools")


def require() -> None:
    """Check that the libraries of the formats are installed, without importing them.

    Raises:
        UsageError: one of them is missing; the extra ``sbom`` has all of them.
    """
    from importlib.util import find_spec

    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"cannot write a bill of materials: not installed are {', '.join(missing)}",
            hint="install scratchpack with its extra: pip install 'scratchpack[sbom]'",
        )


def render(kind: str, bill: Bill) -> bytes:
    """The bill as a JSON document of this format ("spdx" or "cyclonedx")."""
    if kind == "spdx":
        from scratchpack.sbom.spdx import document

        return document(bill)
    from scratchpack.sbom.cyclonedx import document as cyclonedx_document

    return cyclonedx_document(bill)
