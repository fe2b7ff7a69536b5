"""Package databases that strangers wrote: read, or an InputError, within 2 s and 256 MB; nothing else leaves (S4, S5)."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scratchpack.errors import InputError
from scratchpack.packages import open_database
from scratchpack.packages.rpm_header import read_header
from scratchpack.sysroot.dirroot import DirRoot
from tests.support.cli import HOME
from tests.unit.packages import roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scratchpack.packages.model import Packages

# Asks everything that can be asked of a root's database, in a process whose memory and time are bounded by the kernel.
_ASK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (4, 4))
from scratchpack.errors import InputError
from scratchpack.packages import open_database
from scratchpack.sysroot.dirroot import DirRoot
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
database = open_database(DirRoot(sys.argv[1]))
try:
    package = database.owner("/usr/bin/x")
    database.owners(["/usr/bin/x", "/usr/bin/y"])
    database.lists("/usr/bin")
    print(package and package.name, len(database.files(package)) if package else 0, len(database.built_from("x")))
except InputError as error:
    print("InputError", error)
assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base < 256 << 10, "over 256 MB"
"""


def ask(root: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(root)], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(HOME)}
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:] or f"ended by {done.returncode}"
    return done.stdout.strip()


def put(root: Path, path: str, data: bytes) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def sparse(root: Path, path: str, size: int, head: bytes = b"") -> None:
    put(root, path, head)
    os.truncate(root / path.lstrip("/"), size)


STANZA = b"Package: x\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"


def one_stanza_of_many_packages(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", b"Package: x\n" * 60_000)


def one_stanza_without_a_source(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", b"".join(b"Package: p%d\nA: b\n" % number for number in range(40_000)))


def a_status_of_newlines(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", b"\n" * (8 << 20) + STANZA)


def a_long_stanza(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", STANZA + b"a: b\n" * 1_000_000)


def a_sparse_status(root: Path) -> None:
    sparse(root, "/var/lib/dpkg/status", 1 << 40)


def lists_of_500_megabytes(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", STANZA)
    for number in range(5):
        sparse(root, f"/var/lib/dpkg/info/p{number}.list", 100 << 20)


def lists_of_short_lines(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", STANZA)
    put(root, "/var/lib/dpkg/info/x.list", b"/\n" * (16 << 20))


def many_diversions(root: Path) -> None:
    put(root, "/var/lib/dpkg/status", STANZA)
    put(root, "/var/lib/dpkg/info/x.list", b"/usr/bin/x\n")
    put(root, "/var/lib/dpkg/diversions", b"/a\n/b\nc\n" * 300_000)


def an_apk_directory_with_a_huge_name(root: Path) -> None:
    put(root, "/lib/apk/db/installed", b"P:x\nF:" + b"a" * (1 << 20) + b"\n" + b"R:b\n" * 100_000)


def an_apk_of_many_files(root: Path) -> None:
    put(root, "/lib/apk/db/installed", b"P:x\nF:usr\n" + b"R:b\n" * 2_000_000)


def a_sparse_apk(root: Path) -> None:
    sparse(root, "/lib/apk/db/installed", 1 << 40, b"P:x\n")


def sqlite(root: Path, script: str, *rows: object) -> Path:
    place = root / "usr/lib/sysimage/rpm/rpmdb.sqlite"
    place.parent.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(place)) as connection:
        connection.executescript(script)
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(row,) for row in rows])
        connection.commit()
    return place


PLAIN = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"


def a_computed_column(root: Path) -> None:
    computed = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, x, blob AS (zeroblob(1000000000)));"
    sqlite(root, computed + "INSERT INTO Packages (x) VALUES (1);")


def a_column_computed_beside(root: Path) -> None:
    sqlite(root, "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob, y AS (zeroblob(900000000)));", b"x")


def a_view(root: Path) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS hnum, zeroblob(i) AS blob FROM n"
    )
    sqlite(root, f"CREATE VIEW Packages AS {endless};")


def a_virtual_table(root: Path) -> None:
    sqlite(root, "CREATE VIRTUAL TABLE Packages USING fts3(hnum, blob);")


def a_number_for_a_blob(root: Path) -> None:
    sqlite(root, PLAIN, 1 << 40)


def a_text_for_a_blob(root: Path) -> None:
    sqlite(root, PLAIN, "x" * 100)


def a_huge_blob(root: Path) -> None:
    sqlite(root, PLAIN + "INSERT INTO Packages (blob) VALUES (zeroblob(100000000));")


def a_table_of_other_columns(root: Path) -> None:
    sqlite(root, "CREATE TABLE Packages (rowid, hnum, blob) ;", b"x")


def a_log_that_commits_terabytes(root: Path) -> None:
    place = sqlite(root, PLAIN, b"x")
    page = int.from_bytes(place.read_bytes()[16:18], "big")
    header = struct.pack(">IIII8sII", 0x377F0682, 3007000, page, 0, b"s" * 8, 0, 0)
    frame = struct.pack(">II8sII", 1, 0xFFFFFFFF, b"s" * 8, 0, 0) + bytes(page)
    put(root, "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", header + frame)


def a_log_of_pages_of_no_bytes(root: Path) -> None:
    sqlite(root, PLAIN, b"x")
    header = struct.pack(">IIII8sII", 0x377F0682, 3007000, 0, 0, b"s" * 8, 0, 0)
    put(root, "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", header + b"s" * 1_000_000)


def a_sparse_sqlite(root: Path) -> None:
    sparse(root, "/usr/lib/sysimage/rpm/rpmdb.sqlite", 1 << 40, b"SQLite format 3\0")


def an_ndb_whose_slots_share_a_blob(root: Path) -> None:
    slots = 200_000
    at = (32 + 16 * slots + 4095) // 4096 * 4096
    head = struct.pack("<4sIII", b"RpmP", 0, 1, at // 4096) + bytes(16)
    body = struct.pack("<4sIII", b"Slot", 1, at // 16, 1 << 20) * ((at - 32) // 16)
    blob = struct.pack("<4sIII", b"BlbS", 1, 0, 1 << 20) + header_of({1000: (6, 0, 1)}, b"x\0") + bytes(1 << 20)
    put(root, "/usr/lib/sysimage/rpm/Packages.db", head + body + blob)


def header_of(tags: dict[int, tuple[int, int, int]], data: bytes) -> bytes:
    index = b"".join(struct.pack(">IIiI", tag, *where) for tag, where in tags.items())
    return struct.pack(">II", len(tags), len(data)) + index + data


def a_header_whose_directory_is_long(root: Path) -> None:
    names, count = b"a" * (1 << 20) + b"\0", 200_000
    data = bytes(4 * count) + names + b"b\0" * count
    tags = {1116: (4, 0, count), 1118: (8, 4 * count, 1), 1117: (8, 4 * count + len(names), count)}
    sqlite(root, PLAIN, header_of(tags, data))


def a_header_of_many_strings(root: Path) -> None:
    sqlite(root, PLAIN, header_of({1027: (8, 0, 0xFFFFFFFF), 1000: (6, 0, 1)}, bytes(16 << 20)))


BOMBS: list[Callable[[Path], None]] = [
    one_stanza_of_many_packages, one_stanza_without_a_source, a_status_of_newlines, a_long_stanza, a_sparse_status, lists_of_500_megabytes,
    lists_of_short_lines, many_diversions, an_apk_directory_with_a_huge_name, an_apk_of_many_files, a_sparse_apk, a_computed_column,
    a_column_computed_beside, a_view, a_virtual_table, a_number_for_a_blob, a_text_for_a_blob, a_huge_blob, a_table_of_other_columns,
    a_log_that_commits_terabytes, a_log_of_pages_of_no_bytes, a_sparse_sqlite, an_ndb_whose_slots_share_a_blob,
    a_header_whose_directory_is_long, a_header_of_many_strings,
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_database_costs_at_most_two_seconds_and_256_megabytes(bomb: Callable[[Path], None], tmp_path: Path) -> None:
    """S4; the kernel ends the process after four seconds of processor time, for the sake of slow machines."""
    with contextlib.suppress(sqlite3.OperationalError):  # a view takes no rows
        bomb(tmp_path)
    assert ask(tmp_path)


def everything(database: Packages | None) -> None:
    if database is None:
        return
    with contextlib.suppress(InputError):
        for path in (
            "/usr/bin/ssl_client",
            "/lib/x86_64-linux-gnu/libz.so.1",
            "/usr/bin/perl.real",
            "/lib/ld-musl-x86_64.so.1",
        ):
            package = database.owner(path)
            if package is not None:
                for text in (*package[:-1], *package.depends):
                    (text or "").encode()  # every field can be written into a document
                database.files(package)
                database.subset({package: [path]})
        database.built_from("perl")


@pytest.mark.parametrize("kind", ["dpkg", "apk"])
def test_every_mutant_of_a_text_database_is_read_or_an_input_error(kind: str, tmp_path: Path) -> None:
    """S5: bytes flipped, lines cut, twice, swapped; fields that are not UTF-8."""
    if kind == "dpkg":
        roots.debian(tmp_path)
        place = tmp_path / "var/lib/dpkg/status"
    else:
        roots.write(tmp_path, "/lib/apk/db/installed", roots.APK)
        place = tmp_path / "lib/apk/db/installed"
    whole, seed = place.read_bytes(), random.Random(6)
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(seed.randrange(1, 4)):
            at = seed.randrange(len(data))
            data[at : at + seed.choice((0, 1, 1, 9))] = seed.choice(
                (b"\xff", b"\0", b"\n", b"\n\n", b":", "²\u2028".encode(), b"9" * 4400, b"")
            )
        place.write_bytes(data)
        with DirRoot(str(tmp_path)) as root, contextlib.suppress(InputError):
            everything(open_database(root))


def test_every_mutant_of_an_rpm_header_is_read_or_an_input_error() -> None:
    tags = {
        1000: (6, 0, 1),
        1001: (6, 2, 1),
        1003: (4, 4, 1),
        1116: (4, 8, 2),
        1117: (8, 16, 2),
        1118: (8, 20, 1),
        1014: (9, 24, 1),
    }
    whole, seed = header_of(tags, b"a\x001\0" + bytes(12) + b"x\0y\0/u/\0\xff\xfe\0"), random.Random(6)
    assert read_header(whole, origin="it").paths == ("/u/x", "/u/y")
    for _ in range(2_000):
        data = bytearray(whole)
        for _ in range(seed.randrange(1, 4)):
            data[seed.randrange(len(data))] = seed.choice((0, 1, 0x7F, 0x80, 0xFF, seed.randrange(256)))
        with contextlib.suppress(InputError):
            header = read_header(bytes(data[: seed.choice((len(data), seed.randrange(len(data))))]), origin="it")
            header.licence.encode()


def test_fields_that_are_not_utf8_are_shown_escaped(tmp_path: Path) -> None:
    put(tmp_path, "/var/lib/dpkg/status", STANZA + b"Maintainer: J\xf6rg\n")
    put(tmp_path, "/var/lib/dpkg/info/x.list", b"/usr/bin/\xff\n")
    database = open_database(DirRoot(str(tmp_path)))
    assert database is not None
    package = database.owner("/usr/bin/\udcff")
    assert package is not None
    assert package.maintainer == "J\\xf6rg"


def test_many_paths_are_answered_as_one_by_one(tmp_path: Path) -> None:
    """The pass over all lists, the search, and the index that follows give the same owners."""
    roots.debian(tmp_path)
    paths = [
        "/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib/i386-linux-gnu/libz.so.1", "/usr/bin/perl",
        "/usr/bin/perl.real", "/usr/share/perl/x", "/etc/gone.conf", "/nowhere", "/usr/share/z", "/usr/share",
    ]  # fmt: skip
    fresh = [open_database(DirRoot(str(tmp_path))) for _ in paths]
    alone = {path: one.owner(path) for path, one in zip(paths, fresh, strict=True) if one is not None}
    database = open_database(DirRoot(str(tmp_path)))
    assert database is not None
    together = database.owners(paths)
    for _ in range(3):
        assert {path: database.owner(path) for path in paths} == alone
    assert together == {path: package for path, package in alone.items() if package is not None}
    assert database.owners(paths) == together


def test_directories_that_packages_list_are_known(tmp_path: Path) -> None:
    roots.debian(tmp_path / "debian")
    roots.write(tmp_path / "alpine", "/lib/apk/db/installed", roots.APK)
    for root, listed in (("debian", "/usr/share/z"), ("alpine", "/usr/bin")):
        database = open_database(DirRoot(str(tmp_path / root)))
        assert database is not None
        assert database.lists(listed)
        assert not database.lists("/home")
