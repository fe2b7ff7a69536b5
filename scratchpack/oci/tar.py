"""Tar headers, byte for byte the same for the same input: ustar, with a PAX record only for what ustar cannot say.

Names are bytes (S11). Numbers are octal digits ended by a NUL, as POSIX.1-2017 "pax", "ustar Interchange Format" says;
what does not fit becomes a PAX record and is left zero or cut in the ustar header (S16).
"""

from __future__ import annotations

from scratchpack.record import NamedTuple

BLOCK = 512
END = bytes(2 * BLOCK)  # two zero blocks; no padding to 10 KiB, which nobody needs
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO, PAX = (
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
    b"x",
)
_LARGEST_OCTAL = {8: 0o7777777, 12: 0o77777777777}
_PAX_NAME = b"././@PaxHeader"


class Member(NamedTuple):
    """One entry's header. ``xattrs`` are (name, value), in the order they are to be written."""

    name: bytes
    kind: bytes = REGULAR
    size: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0  # whole seconds, never a fraction
    link: bytes = b""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    device: tuple[int, int] = (0, 0)  # major and minor


def header(member: Member) -> bytes:
    """All header blocks of one entry: usually 512 bytes, with PAX records 1536 or more."""
    records: list[tuple[bytes, bytes]] = []
    prefix, name = _split(member.name)
    if len(name) > 100:
        records.append((b"path", member.name))
        prefix, name = b"", name[:100]
    if len(member.link) > 100:
        records.append((b"linkpath", member.link))
    for key, value, width in (
        (b"gid", member.gid, 8),
        (b"mtime", member.mtime, 12),
        (b"size", member.size, 12),
        (b"uid", member.uid, 8),
    ):
        if not 0 <= value <= _LARGEST_OCTAL[width]:
            records.append((key, b"%d" % value))
    records += [(b"SCHILY.xattr." + key, value) for key, value in member.xattrs]
    extension = b""
    if records:
        body = b"".join(_record(key, value) for key, value in sorted(records))
        extended = Member(_PAX_NAME, PAX, size=len(body))
        extension = _block(extended, _PAX_NAME, b"") + body + padding(len(body))
    return extension + _block(member, name, prefix)


def outer_header(name: str, size: int, mtime: int) -> bytes:
    """Exactly 512 bytes for a file of an archive, so that the place can be kept before the size is known.

    A size over 8 GiB is written in base 256, which GNU tar, Go and Python read.
    """
    raw = name.encode()
    if size <= _LARGEST_OCTAL[12]:
        return _block(Member(raw, size=size, mtime=mtime), raw, b"")
    return _block(Member(raw, mtime=mtime), raw, b"", size_field=(1 << 95 | size).to_bytes(12, "big"))


def outer_directory(name: str, mtime: int) -> bytes:
    """Exactly 512 bytes for a directory of an archive; the name ends with a slash."""
    raw = name.encode()
    return _block(Member(raw, DIRECTORY, mode=0o755, mtime=mtime), raw, b"")


def padding(size: int) -> bytes:
    """What fills the last block after ``size`` bytes of content."""
    return bytes(-size % BLOCK)


def _split(name: bytes) -> tuple[bytes, bytes]:
    """Cut a long name at a slash for ustar's prefix of 155 bytes; the second part is over 100 where that fails."""
    if len(name) <= 100:
        return b"", name
    cut = name.find(b"/", max(0, len(name) - 101), len(name) - 1)
    if 0 < cut <= 155:
        return name[:cut], name[cut + 1 :]
    return b"", name


def _record(key: bytes, value: bytes) -> bytes:
    """Length, space, key, ``=``, value and a newline, the length counting its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if length != rest + len(str(length)):
        length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value if 0 <= value <= _LARGEST_OCTAL[width] else 0)


def _block(member: Member, name: bytes, prefix: bytes, *, size_field: bytes | None = None) -> bytes:
    head = b"".join(
        (
            name.ljust(100, b"\0"),
            _octal(member.mode, 8),
            _octal(member.uid, 8),
            _octal(member.gid, 8),
            _octal(member.size, 12) if size_field is None else size_field,
            _octal(member.mtime, 12),
        )
    )
    tail = b"".join(
        (
            member.kind,
            member.link[:100].ljust(100, b"\0"),
            b"ustar\x0000",
            bytes(64),  # no user and group names
            _octal(member.device[0], 8),
            _octal(member.device[1], 8),
            prefix.ljust(155, b"\0"),
            bytes(12),
        )
    )
    checksum = sum(head) + sum(tail) + 8 * 0x20
    return b"%s%06o\0 %s" % (head, checksum, tail)
