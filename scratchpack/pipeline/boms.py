"""Where a run's bills of materials go: bills go in; referrers of what is pushed, and files beside everything else, come out.

They stay out of archives and layouts: with a second descriptor in index.json skopeo and podman ask which image is meant (I5).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scratchpack.oci.referrer import make_referrer
from scratchpack.sbom import FORMATS, render
from scratchpack.sinks.model import Receipt
from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.oci.model import Referrer, Release
    from scratchpack.sbom.model import Bill


def bill_path(dest: str, kind: str, platform: str = "") -> str:
    """Where the bill of one output goes: beside it; ``platform`` is given where there are several."""
    return dest.rstrip("/") + ("." + platform.replace("/", "-") if platform else "") + FORMATS[kind].suffix


class Boms:
    """The bills of one run, one a platform, in one format ("spdx" or "cyclonedx")."""

    def __init__(self, kind: str, bills: tuple[Bill, ...]) -> None:
        self._kind, self._bills = kind, bills
        self._written: set[str] = set()

    def referrers(self, release: Release) -> tuple[Referrer, ...]:
        """One artifact for each image of the release."""
        kind = FORMATS[self._kind]
        return tuple(
            make_referrer(image.manifest_blob, kind.media_type, data, "sbom" + kind.suffix)
            for image, data in zip(release.images, self._documents(release), strict=True)
        )

    def beside(self, dest: str, release: Release | None) -> tuple[Receipt, ...]:
        """Write ``<dest>.spdx.json`` or ``<dest>.cdx.json``, with the platform in it where there are several.

        Raises:
            OutputError: it could not be written; the output itself stands.
        """
        receipts = []
        for bill, data in zip(self._bills, self._documents(release), strict=True):
            path = bill_path(dest, self._kind, bill.platform if len(self._bills) > 1 else "")
            if path in self._written:
                continue
            self._written.add(path)
            with StagedFile(path) as staged:
                staged.write(data)
                staged.publish()
            receipts.append(Receipt("sbom", path, "sha256:" + hashlib.sha256(data).hexdigest()))
        return tuple(receipts)

    def _documents(self, release: Release | None) -> Iterator[bytes]:
        for number, bill in enumerate(self._bills):
            digest = "" if release is None else release.images[number].manifest_blob.digest
            yield render(self._kind, bill._replace(digest=digest))
