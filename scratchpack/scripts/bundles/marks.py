"""What a program unpacks when it starts, by the marks that its maker leaves; and data that is no part of the ELF file (N48)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.scripts.bundles.model import Bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SCAN = 512 << 20  # bytes that are searched for a mark
_PIECE = 1 << 20
HEAD, _TAIL = 4096, 65536  # bytes at the two ends

# The signature in a .NET application host; before it stands the offset of the bundle's header, 0 in a host without a bundle (``bundle_marker.cpp``).
_DOTNET = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
_NODE = re.compile(rb"NODE_SEA_FUSE_[0-9a-f]{32}:1")  # ``:0`` in every other node
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


def elf_bundle(stream: BinaryIO) -> Bundle | None:
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
    if b"\n---- Bun! ----\n" in tail[-256:]:
        return Bundle("bun", "")
    if b"d3n0l4nd" in tail[-64:]:
        return Bundle("deno", "")
    return _scanned(stream)


def _scanned(stream: BinaryIO) -> Bundle | None:
    """Marks that stand anywhere in the file."""
    for piece in _pieces(stream):
        at = piece.find(_DOTNET)
        if at >= 8 and any(piece[at - 8 : at]):
            return Bundle(".NET", "HOME")
        if _NODE.search(piece):
            return Bundle("Node single executable", "")
    return None


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that overlap by more than a mark's length."""
    stream.seek(0)
    read, kept = 0, b""
    while read < MAX_SCAN and (piece := stream.read(_PIECE)):
        yield kept + piece
        kept = piece[-128:]
        read += len(piece)
