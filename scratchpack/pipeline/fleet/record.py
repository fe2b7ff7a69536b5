"""``--metadata-file`` of a fleet: what was made goes in, one JSON document is written (``docs/schema/fleet-metadata.json``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from scratchpack.pipeline.fleet.model import Fleet


def write_metadata(path: str, made: Fleet) -> None:
    """Write it, old or new (S17).

    Raises:
        OutputError: it could not be written; the images stand already.
    """
    from scratchpack.report.fleet import document
    from scratchpack.report.json import dumps

    with StagedFile(path) as staged:
        staged.write((dumps(document(made)) + "\n").encode())
        staged.publish()
