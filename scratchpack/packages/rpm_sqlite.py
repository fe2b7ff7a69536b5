"""rpm's sqlite database, opened in memory: the file may lie in an image layer, and nothing is written beside it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from scratchpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_STEPS = 2_000  # times 10,000 virtual machine instructions: far above any real database


def blobs(data: bytes, wal: bytes, *, origin: str) -> Iterator[bytes]:
    """The stored headers.

    Raises:
        InputError: not sqlite, damaged, or not shaped as rpm shapes it.
    """
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(_rollback_mode(_checkpoint(bytearray(data), wal)))
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            steps = iter(range(_MAX_STEPS))
            connection.set_progress_handler(lambda: int(next(steps, None) is None), 10_000)
            shape = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'").fetchone()
            if shape != ("table",):
                raise InputError(f"cannot read the package database {origin}: it has no table of packages")
            for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
                yield bytes(blob)
    except (sqlite3.Error, struct.error, TypeError, ValueError) as error:
        raise InputError(f"cannot read the package database {origin}: {error}") from error


def _rollback_mode(data: bytearray) -> bytes:
    """A memory database has no write-ahead log: the two version bytes of the file header say so."""
    if data[18:20] == b"\x02\x02":
        data[18:20] = b"\x01\x01"
    return bytes(data)


def _checkpoint(data: bytearray, wal: bytes) -> bytearray:
    """Put the committed pages of a write-ahead log that was left behind into the database (sqlite's file format, 4)."""
    if len(wal) < 32:
        return data
    _magic, _version, page_size, _sequence, salt = struct.unpack_from(">IIII8s", wal)
    pending: dict[int, bytes] = {}
    for at in range(32, len(wal) - 24 - page_size + 1, 24 + page_size):
        number, commit, frame_salt = struct.unpack_from(">II8s", wal, at)
        if frame_salt != salt or not 0 < number <= (len(data) + len(wal)) // page_size + 1:
            break
        pending[number] = wal[at + 24 : at + 24 + page_size]
        if commit:
            data.extend(bytes(max(0, commit * page_size - len(data))))
            for page, content in pending.items():
                data[(page - 1) * page_size : page * page_size] = content
            pending.clear()
    return data
