"""``-o type=tar``: planned files go in; one uncompressed tar comes out, for ``ADD rootfs.tar /`` and other tools."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scratchpack.oci.layer import tar_stream
from scratchpack.sinks.model import Receipt
from scratchpack.sinks.publish import StagedFile

if TYPE_CHECKING:
    from scratchpack.oci.model import ImageConfig
    from scratchpack.rootfs import Rootfs


class RootfsTar:
    """The same bytes as the image's layer before compression: the receipt's digest is its diff_id."""

    def __init__(self, dest: str, *, mtime: int = 0) -> None:
        self._dest, self._mtime = dest, mtime

    def write(self, rootfs: Rootfs, config: ImageConfig) -> Receipt:
        """Write and publish; the config has no place in a bare tar.

        Raises:
            InputError: an entry that no image can carry, or a source that changed while it was read (S10).
            OutputError: it could not be written (S19).
        """
        del config
        rootfs.check()
        hashed = hashlib.sha256()
        with StagedFile(self._dest) as staged:
            for piece in tar_stream(rootfs, mtime=self._mtime):
                hashed.update(piece)
                staged.write(piece)
            staged.publish()
        return Receipt("tar", self._dest, "sha256:" + hashed.hexdigest())
