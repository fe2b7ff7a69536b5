"""A root filesystem as one layer: a deterministic tar, compressed and hashed in the pass that writes it (I9, S10, S14)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import InputError
from scratchpack.oci import compress, tar
from scratchpack.oci.model import Blob, Layer
from scratchpack.rootfs import Directory, File, Symlink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scratchpack.oci.spool import Spool
    from scratchpack.rootfs import Rootfs

MAX_LAYERS = 125  # I12
CHUNK = 1024 * 1024
COMPRESSOR = "scratchpack.compressor"  # the annotation that says which compressor made the digest


def build_layer(
    rootfs: Rootfs,
    *,
    spool: Spool,
    compression: str = "gzip",
    level: int | None = None,
    mtime: int = 0,
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Layer:
    """Write the layer into the spool, reading each source once and holding about a MiB of it.

    ``mtime`` is every entry's time in whole seconds; ``on_progress`` gets the uncompressed bytes written so far.

    Raises:
        InputError: an entry that no image can carry, or a source file that changed while it was read (S10).
        UsageError: no such compression or level.
        OutputError: the spool could not be written.
    """
    rootfs.check()
    stream = tar_stream(rootfs, mtime=mtime)
    return press(stream, spool=spool, compression=compression, level=level, threads=threads, on_progress=on_progress)


def press(
    stream: Iterable[bytes | memoryview],
    *,
    spool: Spool,
    compression: str = "gzip",
    level: int | None = None,
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Layer:
    """Compress and hash the bytes of a tar in the pass that writes them into the spool.

    Raises:
        UsageError: no such compression or level.
        OutputError: the spool could not be written.
    """
    import hashlib

    slot = spool.slot()
    inner, outer = hashlib.sha256(), hashlib.sha256()
    plain = compression == "none"
    size = total = 0

    def stored(data: bytes | memoryview) -> None:
        nonlocal size
        outer.update(data)
        slot.write(data)
        size += len(data)

    press = compress.compressor(compression, level, stored, threads)
    try:
        for data in stream:
            if not plain:
                inner.update(data)
            press.write(data)
            total += len(data)
            if on_progress is not None:
                on_progress(total)
        press.finish()
    finally:
        press.close()
    digest = "sha256:" + outer.hexdigest()
    opener = slot.finish(digest, size)
    return Layer(
        blob=Blob(compress.media_type(compression), digest, size, opener),
        diff_id=digest if plain else "sha256:" + inner.hexdigest(),
        uncompressed_size=total,
        annotations=((COMPRESSOR, press.identity),) if press.identity else (),
    )


def tar_stream(rootfs: Rootfs, *, mtime: int = 0) -> Iterator[bytes | memoryview]:
    """The uncompressed tar in pieces of at most a MiB.

    A piece is valid until the next one is asked for. Entries are sorted by path; parents that nobody asked for come as 0755
    directories of root before what they hold (I10); ``/`` itself has no entry (I11); of a group of hard links the first in order
    carries the bytes (S14).
    """
    written: dict[tuple[object, ...], bytes] = {}
    known = {b""}
    for entry in rootfs:
        name = os.fsencode(entry.path)[1:]
        yield from _parents(name, known, mtime)
        match entry:
            case Directory():
                if name not in known:
                    known.add(name)
                    yield _directory(name, mtime, entry.mode, entry.uid, entry.gid)
            case Symlink():
                link = os.fsencode(entry.target)
                yield tar.header(tar.Member(name, tar.SYMLINK, mode=0o777, mtime=mtime, link=link))
            case File():
                yield from _file(entry, name, written, mtime)
    yield tar.END


def check_layers(cut: Sequence[Rootfs]) -> None:
    """Hold the rules that span layers (I12, I19).

    Raises:
        InputError: naming every path that is of two kinds, stands under a symlink, or parts a group of hard links.
    """
    bad: list[str] = []
    if len(cut) > MAX_LAYERS:
        bad.append(f"{len(cut)} layers: engines stop at {MAX_LAYERS} (I12)")
    kinds: dict[str, type] = {}
    inodes: dict[tuple[int, ...], int] = {}
    for number, rootfs in enumerate(cut):
        for entry in rootfs:
            if kinds.setdefault(entry.path, type(entry)) is not type(entry):
                bad.append(f"{entry.path}: of different kinds in different layers (I19)")
            if isinstance(entry, File) and entry.inode is not None and inodes.setdefault(entry.inode, number) != number:
                bad.append(f"{entry.path}: its hard links are in another layer (I19)")
    for path in kinds:
        parent = path.rpartition("/")[0]
        while parent:
            if kinds.get(parent, Directory) is not Directory:
                bad.append(f"{path}: its parent {parent} is not a directory in every layer (I19)")
            parent = parent.rpartition("/")[0]
    if bad:
        raise InputError("cannot cut the layers so", details=tuple(bad))


def _parents(name: bytes, known: set[bytes], mtime: int) -> Iterator[bytes]:
    at = name.find(b"/")
    while at >= 0:
        parent = name[:at]
        if parent not in known:
            known.add(parent)
            yield _directory(parent, mtime)
        at = name.find(b"/", at + 1)


def _directory(name: bytes, mtime: int, mode: int = 0o755, uid: int = 0, gid: int = 0) -> bytes:
    return tar.header(tar.Member(name + b"/", tar.DIRECTORY, mode=mode, uid=uid, gid=gid, mtime=mtime))


def _file(
    entry: File, name: bytes, written: dict[tuple[object, ...], bytes], mtime: int
) -> Iterator[bytes | memoryview]:
    xattrs = tuple(sorted((os.fsencode(key), value) for key, value in entry.xattrs))
    member = tar.Member(name, tar.REGULAR, entry.size, entry.mode, entry.uid, entry.gid, mtime, b"", xattrs)
    if entry.inode is not None:
        first = written.setdefault((entry.inode, entry.mode, entry.uid, entry.gid, xattrs), name)
        if first is not name:
            yield tar.header(member._replace(kind=tar.HARD_LINK, size=0, link=first))
            return
    yield tar.header(member)
    with entry.source.open() as stream:
        yield from content(stream, entry)
    if rest := tar.padding(entry.size):
        yield rest


def content(stream: BinaryIO, entry: File) -> Iterator[memoryview]:
    """A file's bytes in pieces of a MiB, each valid until the next, and exactly as many as were planned (S10).

    Raises:
        InputError: it is shorter or longer than planned, or was written to meanwhile.
    """
    before = _stamp(stream)
    left = entry.size
    buffer = memoryview(bytearray(min(CHUNK, left)))
    try:
        while left:
            got = stream.readinto(buffer[: min(CHUNK, left)])  # type: ignore[attr-defined]
            if not got:
                raise _changed(entry, f"it ended {left} bytes early")
            left -= got
            yield buffer[:got]
        if stream.read(1):
            raise _changed(entry, "it grew")
    except OSError as error:
        raise InputError(f"cannot read {entry.path}: {error.strerror}") from error
    if before != _stamp(stream):
        raise _changed(entry, "its time or size moved")


def _stamp(stream: BinaryIO) -> tuple[int, ...] | None:
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # io.UnsupportedOperation: bytes in memory cannot change
        return None
    # ctime as well: no program can put it back, as `touch -d` does with mtime
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _changed(entry: File, how: str) -> InputError:
    return InputError(
        f"cannot pack {entry.path}: the file changed while it was read ({how})",
        hint="run again when nothing writes to it",
    )
