"""A stranger's tar, entry by entry: bytes go in, the headers that :mod:`tarfile` reads come out, or :class:`BadTarError` (S5, S25).

Python's reader asks for a whole extended header at once, follows sizes below zero backwards, calls itself for each header that
extends the next, and has patterns whose time grows with the square of a header. What could lead it there is refused before it reads it.
"""

from __future__ import annotations

import re
import struct
import tarfile
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_HEADER = 1 << 20  # bytes of one extended header
MAX_HEADERS = 2 << 20  # bytes of all headers that stand before one entry, the map of a sparse file among them
_FAR = 1 << 62  # no size or offset of a real archive
_PAX = (b"x", b"g", b"X")
_DIGITS = re.compile(rb"[0-9]{65}")  # tarfile's search for "hdrcharset" is quadratic in a run of digits (CVE-2024-6232)
_SHORT = 4096  # bytes in which that does no harm
# POSIX.1-2017, ustar: name, mode, uid, gid, size, mtime, checksum, type, link name, magic and version, user, group, device, prefix
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s16s155s12x")
_PLAIN = (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)


class BadTarError(ValueError):
    """Not a tar, damaged, cut short, or made to do harm."""


class TarSource(Protocol):
    """Where the bytes come from: a real file, or a stream that only goes forward."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""

    def seek(self, offset: int, /) -> int:
        """Go to a place from the start."""

    def tell(self) -> int:
        """The place of the next read."""


def members(source: TarSource) -> Iterator[tarfile.TarInfo]:
    """The entries in the archive's order; while one is looked at, the source may be read up to the end of its content.

    Raises:
        BadTarError: this is no tar, or no good one. What the source raises passes through.
    """
    guard = _Guard(source)
    try:
        with tarfile.open(
            fileobj=cast("BinaryIO", guard), mode="r:", encoding="utf-8", errors="surrogateescape", tarinfo=_Header
        ) as archive:
            for info in archive:
                cast("Any", archive).members = []  # tarfile would keep every header
                _hold_entry(info, archive.offset)
                yield info
                guard.headers = 0
    except BadTarError:
        raise
    except RecursionError:
        raise BadTarError("too many extended headers before one entry") from None
    except (tarfile.TarError, ValueError, OverflowError, EOFError, TypeError, IndexError) as error:
        if guard.empty:
            return  # a layer of no bytes is an empty one
        raise BadTarError(str(error) or "a damaged header") from error
    if any(guard.latest):  # tarfile takes any block that is no header for the end; Go's reader and GNU tar do not
        raise BadTarError("what stands where a header should be is none")


class _Header(tarfile.TarInfo):
    """A header read in a fifth of the time that :mod:`tarfile` takes: there are layers of a million entries that hold nothing else (S4)."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Self:
        """One block of 512 bytes. What is not plainly a file, a directory or a link in octal digits is left to Python's reader."""
        if len(buf) == tarfile.BLOCKSIZE and buf[156:157] in _PLAIN:
            name, mode, uid, gid, size, mtime, checksum, kind, link, _, user, group, device, prefix = _FIELDS.unpack(
                buf
            )
            try:
                numbers = [
                    int(field.partition(b"\0")[0] or b"0", 8) for field in (mode, uid, gid, size, mtime, checksum)
                ]
            except ValueError:  # in binary, or damaged
                return super().frombuf(buf, encoding, errors)
            if sum(buf) - sum(checksum) + 256 == numbers[-1] and not device.strip(b"0\0 "):
                header = cls(name.partition(b"\0")[0].decode(encoding, errors))
                header.mode, header.uid, header.gid, header.size, header.mtime, _ = numbers
                header.type = kind
                header.linkname, header.uname, header.gname, above = (
                    field.partition(b"\0")[0].decode(encoding, errors) for field in (link, user, group, prefix)
                )
                if kind == tarfile.DIRTYPE:
                    header.name = header.name.rstrip("/")
                if above:
                    header.name = f"{above}/{header.name}"
                return header
        return super().frombuf(buf, encoding, errors)


class _Guard:
    """The source as tarfile sees it."""

    def __init__(self, source: TarSource) -> None:
        self._source = source
        self.headers = 0  # bytes read since the last entry
        self.latest = b""
        self.empty = True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence or not self._source.tell() <= offset < _FAR:
            raise BadTarError("a header that points backwards, or beyond every archive")
        return self._source.seek(offset)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise BadTarError(f"an extended header of {size} bytes")
        self.headers += size
        if self.headers > MAX_HEADERS:
            raise BadTarError(f"over {MAX_HEADERS} bytes of headers before one entry")
        data = self._source.read(size)
        if data:
            self.empty = False
        if self.latest[156:157] in _PAX and size != 1:
            _hold_records(data)
            self.latest = b""
        else:
            self.latest = data
        return data


def _hold_entry(info: tarfile.TarInfo, following: int) -> None:
    """Refuse what no archive has; ``following`` is where the next header should be."""
    if not (0 <= info.size < _FAR and 0 <= following < _FAR):
        raise BadTarError(f"{info.name[:60]!a}: a file of {info.size} bytes")
    if "\0" in info.name or "\0" in info.linkname:
        raise BadTarError(f"{info.name[:60]!a}: a name with a NUL in it")


def _hold_records(data: bytes) -> None:
    r"""Hold a pax header against its own format, ``LENGTH KEYWORD=VALUE\n`` again and again (POSIX.1-2017, pax)."""
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 12)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        if not space < end <= len(data) or data[end - 1] != 10 or data.find(b"=", space, end) < 0:
            raise BadTarError("an extended header whose records do not fit")
        at = end
    if len(data) > _SHORT and _DIGITS.search(data):
        raise BadTarError("an extended header with a number of over 64 digits")
