"""What a program unpacks when it starts, by the marks that its maker leaves; and data that is no part of the ELF file (N48)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.elf.image import ElfImage
from scratchpack.errors import ElfError
from scratchpack.scripts.bundles.hint import BUN, has_bun_data, has_node_note, writable
from scratchpack.scripts.bundles.model import Bundle

if TYPE_CHECKING:
    from scratchpack.elf.image import Segment

MAX_SCAN = 16 << 20  # bytes of a program's variables that are searched for a mark
_PIECE = 1 << 20
HEAD, _TAIL = 4096, 65536  # bytes at the two ends

# The signature in a .NET application host; before it stands the offset of the bundle's header, 0 in a host without a bundle (``bundle_marker.cpp``).
_DOTNET = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
_LIBTOOL = re.compile(rb"^# (?P<name>\S+) - temporary wrapper script for (?P<real>\S+)$", re.MULTILINE)
_MAKESELF = re.compile(rb"^# This script was generated using Makeself", re.MULTILINE)
_SHAR = re.compile(rb"^# This is a shell archive", re.MULTILINE)


def script_bundle(head: bytes) -> Bundle | None:
    """A self-extracting shell script, by its first 4 KiB."""
    if _MAKESELF.search(head[:HEAD]):
        return Bundle("makeself", "/tmp")  # noqa: S108 - in the image
    if _SHAR.search(head[:HEAD]):
        return Bundle("shell archive", "/tmp")  # noqa: S108
    return None


def libtool_wrapper(head: bytes) -> str | None:
    """The program that a libtool wrapper starts, as in ``.libs/hello``; ``None`` for any other script.

    The wrapper (``func_emit_wrapper`` of libtool's ltmain.sh) names it in its second line and may relink it into ``.libs/lt-NAME``.
    """
    match = _LIBTOOL.search(head[:HEAD])
    return match["real"].decode("utf-8", "surrogateescape") if match and b"libtool" in head[:HEAD] else None


def elf_bundle(stream: BinaryIO, origin: str) -> Bundle | None:
    """An ELF program whose payload is known by a mark alone."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(64)
    if head[8:10] == b"AI" and head[10:11] in {b"\x01", b"\x02"}:  # AppImage specification, 2.1
        return Bundle(f"AppImage type {head[10]}", "/tmp")  # noqa: S108
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    if tail.endswith(b"\nPAR.pm\n"):  # PAR::Packer
        return Bundle("PAR", "/tmp")  # noqa: S108
    if BUN in tail[-256:]:
        return Bundle("bun", "")
    if b"d3n0l4nd" in tail[-64:]:
        return Bundle("deno", "")
    try:
        image = ElfImage(stream, origin)
        return _in_image(image)
    except ElfError:
        return None


def _in_image(image: ElfImage) -> Bundle | None:
    """Marks that stand in the data of a program, which its program headers name: no search of the whole file."""
    if has_node_note(image):
        return Bundle("Node single executable", "")
    if has_bun_data(image):
        return Bundle("bun", "")
    return Bundle(".NET", "HOME") if any(_has_dotnet_bundle(image, segment) for segment in writable(image)) else None


def _has_dotnet_bundle(image: ElfImage, segment: Segment) -> bool:
    """Whether the signature stands in the data with the offset of a bundle within the file before it."""
    kept = b""
    for at in range(0, min(segment.filesz, MAX_SCAN), _PIECE):
        piece = kept + image.read(segment.offset + at, min(_PIECE, segment.filesz - at), "its data")
        found = piece.find(_DOTNET)
        if found >= 8 and 0 < int.from_bytes(piece[found - 8 : found], "little") < image.size:
            return True
        kept = piece[-(len(_DOTNET) + 8) :]
    return False
