"""Python applications in a zip archive: plain zipapps (PEP 441), shiv and pex; read within bounds, never extracted (S25)."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.scripts.bundles.model import Bundle
from scratchpack.scripts.bundles.payload import MAX_MEMBER, outside
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ENTRIES = 20_000
MAX_DIRECTORY = 16 << 20  # bytes of the central directory: its reader holds all of it
# What Python's reader raises over a directory or a member that is damaged: it indexes names that are empty, too.
_DAMAGE = (
    zipfile.BadZipFile,
    ValueError,
    LookupError,
    struct.error,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,
)
_END = struct.Struct("<4s4H2LH")
_TAIL = _END.size + 0xFFFF


def zipapp(stream: BinaryIO, origin: str) -> Bundle | None:
    """The archive behind a ``#!`` line or a program; ``None`` where the file does not end with one.

    Raises:
        ScriptError: it says that it is one and cannot be read.
    """
    if not _has_bounded_directory(stream, origin):
        return None
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
            return _bundle(archive, infos, origin)
    except _DAMAGE as error:
        raise ScriptError(f"cannot read {origin}: its zip archive is damaged ({error})") from error


def _bundle(archive: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo], origin: str) -> Bundle:
    kind, unpacks = "zip archive", ""
    if "environment.json" in infos and any(name.startswith("_bootstrap/") for name in infos):
        kind, unpacks = "shiv", "HOME"
    elif "PEX-INFO" in infos:
        kind, unpacks = "pex", "HOME"
    elif "__main__.py" in infos or "__main__.pyc" in infos:
        kind = "zipapp"
    objects = [info for name, info in infos.items() if name.endswith(".so") or ".so." in name]

    def content(info: zipfile.ZipInfo) -> Callable[[], bytes | None]:
        def get() -> bytes | None:
            try:
                with archive.open(info) as member:
                    data = member.read(min(info.file_size, MAX_MEMBER) + 1)
            except _DAMAGE:  # encrypted, in a compression that nobody uses, or damaged
                return None
            return data if len(data) == info.file_size else None

        return get

    members = ((info.filename, info.file_size, content(info)) for info in objects)
    needed, warnings = outside(members, infos, origin)
    return Bundle(kind, unpacks, True, tuple(info.filename for info in objects), needed, warnings)


def _has_bounded_directory(stream: BinaryIO, origin: str) -> bool:
    """Whether the file ends with a zip archive; the size of its directory is checked before anything is read of it."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return False
    _, _, _, _, entries, length, _, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        return False
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY or length > size:
        raise ScriptError(
            f"cannot read {origin}: its zip archive has {entries} entries in {length} bytes, over the limit"
        )
    return True
