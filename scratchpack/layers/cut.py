"""Which layer a file belongs to: a root filesystem goes in, root filesystems of one layer each come out, the lowest first (W10 to W16).

A layer that several images are to share may depend on nothing but what is in it. So a large file gets a layer of its own, whose tar holds
the file, its hard links and its parents, always with the same metadata; which other files an image has changes nothing in it. Symbolic
links are left to the top layer: which names lead to a library differs from image to image.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.pattern import pattern
from scratchpack.rootfs import RANK_GENERATED, Directory, File, Reason, Rootfs

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from scratchpack.rootfs import Entry

THRESHOLD = 64 << 10  # W11: bytes from which on a file has a layer of its own; other values were not measured
MAX_LAYERS = 40  # W12: what an image has unless it asks for more, the top layer among them
# W13: as the C libraries name themselves, with the version that old ones carry. Loaders are what PT_INTERP names.
_LOADER = pattern(r"ld(?:[0-9]+|-.+)?\.so(?:\..+)?")
_LIBC = pattern(r"libc(?:-[0-9.]+|\.musl-.+)?\.so(?:\..+)?")
_INTERPRETER_RANK, _LIBC_RANK, _ELF_RANK, _DATA_RANK = range(4)


class LayerCut(NamedTuple):
    """One image's files, by layer."""

    shared: tuple[Rootfs, ...]  # lowest first; each is one file with its hard links
    top: Rootfs  # everything else: the image's own layer


class _Unit(NamedTuple):
    files: tuple[File, ...]  # one, or the names of one inode

    @property
    def size(self) -> int:
        return self.files[0].size

    @property
    def path(self) -> bytes:
        return os.fsencode(self.files[0].path)


def cut(rootfs: Rootfs, own: Container[str], *, most: int = MAX_LAYERS, threshold: int = THRESHOLD) -> LayerCut:
    """LayerCut an image into layers.

    Args:
        rootfs: all files of the image.
        own: paths of its programs, which no other image is expected to have.
        most: layers that it may have in all; what does not fit goes to the top layer, and no other layer changes for it (W12).
        threshold: bytes from which on a file has a layer of its own (W11).

    Raises:
        InputError: a file that says whether it is ELF cannot be read.
    """
    units = [
        unit
        for unit in _units(rootfs)
        if unit.size >= threshold and not any(_private(file, own) for file in unit.files)
    ]
    units = sorted(units, key=lambda unit: (-unit.size, unit.path))[: most - 1]
    shared = tuple(Rootfs(unit.files) for unit in sorted(units, key=_order))
    placed = {entry.path for layer in shared for entry in layer}
    rest = [entry for entry in rootfs if entry.path not in placed]
    return LayerCut(shared, Rootfs([*rest, *_restated(placed, rootfs)]))


def _units(rootfs: Rootfs) -> Iterable[_Unit]:
    """Every file with its hard links, which no two layers can have (I19)."""
    by_inode: dict[object, list[File]] = {}
    for entry in rootfs:
        if isinstance(entry, File):
            by_inode.setdefault(entry.path if entry.inode is None else entry.inode, []).append(entry)
    return (_Unit(tuple(files)) for files in by_inode.values())


def _private(file: File, own: Container[str]) -> bool:
    return file.path in own or file.rank == RANK_GENERATED


def _order(unit: _Unit) -> tuple[int, int, bytes]:
    """W13: the same for a unit in every image, so that images share the longest possible prefix of layers (W8)."""
    name = os.path.basename(unit.files[0].path)
    with unit.files[0].source.open() as stream:
        is_elf = stream.read(4) == b"\x7fELF"
    if not is_elf:
        rank = _DATA_RANK
    elif _LOADER.fullmatch(name):
        rank = _INTERPRETER_RANK
    else:
        rank = _LIBC_RANK if _LIBC.fullmatch(name) else _ELF_RANK
    return rank, -unit.size.bit_length(), unit.path


def _restated(paths: Iterable[str], rootfs: Rootfs) -> list[Entry]:
    """The parents of what the shared layers hold, which those state as root's, 0755 and of time 0 (W14)."""
    parents: dict[str, Directory] = {}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in parents:
            if rootfs.get(parent) is None:
                parents[parent] = Directory(parent, because=(Reason("parent", path, path),))
            parent = parent.rpartition("/")[0]
    return list(parents.values())
