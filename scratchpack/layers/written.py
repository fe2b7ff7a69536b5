"""A new layer as the bytes of its tar: entries of a history go in, pieces of at most a MiB come out.

Owners, modes, times (whole seconds) and attributes are those of the image; devices and FIFOs travel too. Holes of a sparse file are
written out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.oci import tar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.layers.history import History
    from scratchpack.layers.squash import NewLayer

_PIECE = 1 << 20
_NANO = 1_000_000_000


def layer_stream(history: History, entries: NewLayer) -> Iterator[bytes]:
    """The uncompressed tar.

    Raises:
        InputError: a layer is damaged.
    """
    written: dict[int, bytes] = {}
    for path, version in entries:
        name = os.fsencode(path)[1:]
        if version is None:
            above, _, last = name.rpartition(b"/")
            yield tar.header(tar.Member((above + b"/" if above else b"") + b".wh." + last))
            continue
        record = version.inode.record
        xattrs = tuple((os.fsencode(key), value) for key, value in record.xattrs)
        member = tar.Member(
            name, mode=record.mode, uid=record.uid, gid=record.gid, mtime=record.mtime // _NANO, xattrs=xattrs
        )
        if record.kind == "directory":
            yield tar.header(member._replace(name=name + b"/", kind=tar.DIRECTORY))
            continue
        first = written.setdefault(version.inode.number, name)
        if first is not name:
            yield tar.header(member._replace(kind=tar.HARD_LINK, link=first, xattrs=()))
        elif record.kind == "symlink":
            yield tar.header(member._replace(kind=tar.SYMLINK, link=os.fsencode(record.target)))
        elif record.kind == "fifo":
            yield tar.header(member._replace(kind=tar.FIFO))
        elif record.device is not None:
            kind, major, minor = record.device
            yield tar.header(
                member._replace(kind=tar.CHARACTER if kind == "c" else tar.BLOCK_DEVICE, device=(major, minor))
            )
        else:
            yield tar.header(member._replace(size=record.size))
            left = record.size
            with history.open(version.inode) as stream:
                while left and (piece := stream.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield piece
            if left:
                raise InputError(f"cannot read {path} in {history.name}: its layer ends before it does")
            yield tar.padding(record.size)
    yield tar.END
