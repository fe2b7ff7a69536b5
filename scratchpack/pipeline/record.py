"""``--iidfile``, ``--metadata-file`` and ``--update-lock``: what was packed goes in; the files that scripts go on with are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Packed
    from scratchpack.request.model import Request


def write_records(packed: Packed, asked: Request) -> None:
    """Write the files that were asked for, each old or new (S17).

    Raises:
        OutputError: one could not be written; the image itself stands already.
    """
    if asked.iidfile is not None and packed.release is not None:
        write_text(asked.iidfile, packed.release.images[0].config_blob.digest)
    documents = [path for path in (asked.metadata_file, asked.locked if asked.update_lock else None) if path]
    if documents:
        from scratchpack.report.json import dumps, metadata_document

        text = dumps(metadata_document(packed)) + "\n"
        for path in documents:
            write_text(path, text)


def write_text(path: str, text: str) -> None:
    """Write one file, old or new."""
    with StagedFile(path) as staged:
        staged.write(text.encode())
        staged.publish()
