"""rpm's own database format, ndb (SUSE): the file's bytes go in, the stored headers come out.

First stands a page of slots, then blobs in units of 16 bytes (little-endian).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NDB = 160 << 20  # bytes; they are read into memory whole
_PAGE, _UNIT = 4096, 16


def blobs(data: bytes, *, origin: str) -> Iterator[bytes]:
    """The stored headers, in slot order.

    Raises:
        InputError: not an ndb file, a slot points outside it, or the slots share their blobs.
    """

    def fail(why: object) -> InputError:
        return InputError(f"cannot read the package database {origin}: {why}")

    try:
        magic, _version, _generation, pages = struct.unpack_from("<4sIII", data)
        if magic != b"RpmP" or not pages:
            raise fail("no RpmP and page of slots at its start")
        # The file's header fills the first two slots of the first page.
        slots = memoryview(data)[2 * _UNIT : min(pages * _PAGE, len(data) // _UNIT * _UNIT)]
        left = len(data)
        for slot_magic, package, offset, count in struct.iter_unpack("<4sIII", slots):
            if slot_magic != b"Slot":
                raise fail("a slot without its mark")
            if package and offset:
                start = offset * _UNIT
                blob_magic, blob_package, _checksum, length = struct.unpack_from("<4sIII", data, start)
                if blob_magic != b"BlbS" or blob_package != package or length > count * _UNIT:
                    raise fail(f"package {package} does not lie where its slot says")
                left -= length + _UNIT
                if left < 0:
                    raise fail("its packages are more than the file")
                yield data[start + _UNIT : start + _UNIT + length]
    except struct.error as error:
        raise fail(error) from error
