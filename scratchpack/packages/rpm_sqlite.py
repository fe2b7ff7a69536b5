"""rpm's sqlite database: the file of a root goes in, the stored headers come out.

It is read from a private copy, opened as immutable: the file may lie in an image layer, nothing is written beside it, and
what a write-ahead log still holds is put into the copy. Whoever made the image wrote the schema as well as the data, so the table has to be
a plain one, no function of SQL may run, and what comes out is counted (S4).
"""

from __future__ import annotations

import os
import shutil
import struct
from typing import TYPE_CHECKING, BinaryIO

from scratchpack.errors import InputError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from scratchpack.sysroot.model import Sysroot

MAX_FILE = 512 << 20  # bytes; the largest real one seen is under 200 MB
MAX_LOG = 128 << 20
MAX_HEADER = 32 << 20  # bytes of one package; the kernel's sources have five
_MAX_STEPS = 2_000  # times 10,000 virtual machine instructions: far above any real database
_FRAME = 24  # bytes before each page of a write-ahead log


def blobs(root: Sysroot, path: str) -> Iterator[bytes]:
    """The stored headers.

    Raises:
        InputError: not sqlite, damaged, too large, or not shaped as rpm shapes it.
    """
    import sqlite3
    import tempfile
    from contextlib import closing

    origin = f"{root.name}{path}"
    try:
        with tempfile.TemporaryDirectory() as place:
            copy = os.path.join(place, "db")
            with open(copy, "w+b") as stream:
                size = _copy(root, path, stream)
            uri = f"file:{copy}?mode=ro&immutable=1"
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
                _restrict(connection)
                _check_shape(connection)
                connection.set_authorizer(_only_reading)
                yield from _counted(connection.execute("SELECT blob FROM Packages NOT INDEXED"), size)
    except (sqlite3.Error, struct.error, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"cannot read the package database {origin}: {error}") from error
    except OSError as error:
        raise InputError(f"cannot copy the package database {origin}: {error.strerror}") from error


def _counted(rows: Iterable[tuple[object]], size: int) -> Iterator[bytes]:
    for (blob,) in rows:
        if type(blob) is not bytes:  # bytes() of a number would be that many zeros
            raise ValueError("a package that is no blob")
        size -= len(blob)
        if size < 0:  # rows can share their pages
            raise ValueError("its packages are more than the file")
        yield blob


def _restrict(connection: sqlite3.Connection) -> None:
    import sqlite3

    for limit, most in (
        (sqlite3.SQLITE_LIMIT_LENGTH, MAX_HEADER),
        (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1 << 16),
        (sqlite3.SQLITE_LIMIT_COLUMN, 64),
        (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 20),
        (sqlite3.SQLITE_LIMIT_VDBE_OP, 10_000),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
        (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    ):
        connection.setlimit(limit, most)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -8192")  # KiB
    steps = iter(range(_MAX_STEPS))
    connection.set_progress_handler(lambda: int(next(steps, None) is None), 10_000)


def _check_shape(connection: sqlite3.Connection) -> None:
    """A table with pages of its own (a view and a virtual table have none) and columns that are stored, not computed."""
    found = connection.execute("SELECT type, rootpage FROM sqlite_master WHERE name = 'Packages'").fetchall()
    if len(found) != 1 or found[0][0] != "table" or type(found[0][1]) is not int or found[0][1] < 1:
        raise ValueError("it has no table of packages")
    columns = {name: hidden for _, name, *_, hidden in connection.execute("PRAGMA table_xinfo(Packages)")}
    if columns.get("hnum") != 0 or columns.get("blob") != 0 or any(columns.values()):
        raise ValueError("its table of packages is not rpm's: a column is missing or computed")


def _only_reading(
    action: int, _first: str | None, _second: str | None, _database: str | None, _inner: str | None
) -> int:
    import sqlite3

    return sqlite3.SQLITE_OK if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ} else sqlite3.SQLITE_DENY


def _copy(root: Sysroot, path: str, stream: BinaryIO) -> int:
    """Copy the database, and the committed pages of its log; how many bytes it has then."""
    size = _append(root, path, stream, MAX_FILE)
    stream.seek(0)
    head = stream.read(100)
    if head[:16] != b"SQLite format 3\0":
        raise ValueError("it is not sqlite")
    if head[18:20] == b"\x02\x02":  # an immutable file has no write-ahead log: these two bytes say so
        stream.seek(18)
        stream.write(b"\x01\x01")
    page = int.from_bytes(head[16:18], "big")
    return _checkpoint(root, path + "-wal", stream, size, 65536 if page == 1 else page)


def _append(root: Sysroot, path: str, stream: BinaryIO, limit: int) -> int:
    node = root.lookup(path)
    if node is None or node.kind != "file":
        return 0
    if node.size > limit:
        raise ValueError(f"{node.size} bytes, limit {limit}")
    with root.open(node) as source:
        shutil.copyfileobj(source, stream, 1 << 20)
    return node.size


def _checkpoint(root: Sysroot, log: str, stream: BinaryIO, size: int, page_size: int) -> int:
    """Put the committed pages of a write-ahead log that was left behind into the copy (sqlite's file format, 4)."""
    import tempfile

    with tempfile.TemporaryFile() as wal:
        length = _append(root, log, wal, MAX_LOG)
        wal.seek(0)
        header = wal.read(32)
        if len(header) < 32 or header[:3] != b"\x37\x7f\x06" or int.from_bytes(header[8:12], "big") != page_size:
            return size
        salt, most = header[16:24], (size + length) // page_size + 1
        pending: dict[int, int] = {}  # page: where its frame's content lies
        at = 32
        while len(frame := wal.read(_FRAME)) == _FRAME and at + _FRAME + page_size <= length:
            number, commit, frame_salt = struct.unpack_from(">II8s", frame)
            if frame_salt != salt or not 0 < number <= most or commit > most:
                break
            pending[number] = at + _FRAME
            if commit:
                for page, place in pending.items():
                    wal.seek(place)
                    stream.seek((page - 1) * page_size)
                    stream.write(wal.read(page_size))
                size = max(size, commit * page_size)
                pending.clear()
            at += _FRAME + page_size
            wal.seek(at)
    stream.seek(0, os.SEEK_END)
    if stream.tell() < size:
        stream.truncate(size)
    return size
