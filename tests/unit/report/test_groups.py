"""What a person reads of an image: a row a reason, the program first, the largest next; on a narrow terminal nothing is cut off."""

from __future__ import annotations

from scratchpack.report.groups import LIBRARIES, every_row, rows
from scratchpack.report.table import table
from scratchpack.rootfs import Directory, File, Reason, Rootfs, Symlink, inline


def _file(path: str, size: int, reason: Reason, inode: tuple[int, ...] | None = None) -> File:
    return File(path, inline(b"x" * size), because=(reason,), inode=inode)


PROGRAM = _file("/app", 10, Reason("program", "./app"))
ZONES = [_file(f"/usr/share/zoneinfo/{n}", 5, Reason("need", "timezone", "./app: imports tzset")) for n in range(600)]


def test_what_one_need_brings_is_one_row_and_the_program_comes_first() -> None:
    library = _file("/usr/lib/libz.so.1.2", 4000, Reason("needed", "/usr/bin/app", "libz.so.1"))
    link = Symlink("/usr/lib/libz.so.1", "libz.so.1.2", because=(Reason("link", "libz.so.1"),))
    option = _file("/srv/page", 70, Reason("option", "--include ./page:/srv/page"))
    found = rows(Rootfs([PROGRAM, *ZONES, library, link, option]))
    assert [tuple(row) for row in found] == [
        (10, "/app", "the program"),
        (4000, "/usr/lib/libz.so.1.2", "needed by app"),
        (3000, "600 files below /usr/share/zoneinfo", "timezone: ./app: imports tzset"),
        (70, "/srv/page", "--include ./page:/srv/page"),
    ]


def test_hard_links_count_once_and_directories_have_no_size() -> None:
    reason = Reason("need", "own-data", "./app: string /usr/share/app")
    twice = [_file(f"/usr/share/app/{n}", 9, reason, inode=(1, 2)) for n in "ab"]
    (row,) = rows(Rootfs([*twice, Directory("/usr/share/app/empty", because=(reason,))]))
    assert row.size == 9
    assert row.what == "2 files below /usr/share/app"


def test_many_libraries_are_summed_up_below_the_largest_and_verbose_shows_each() -> None:
    libraries = [_file(f"/lib/lib{n:02}.so", 100 + n, Reason("needed", "/app", f"lib{n:02}.so")) for n in range(30)]
    found = rows(Rootfs([PROGRAM, *libraries]))
    assert len(found) == 1 + LIBRARIES
    (rest,) = [row for row in found if "smaller" in row.what]
    assert rest.what == f"{30 - LIBRARIES + 1} smaller libraries"
    assert sum(row.size for row in found) == 10 + sum(100 + n for n in range(30))
    assert len(every_row(Rootfs([PROGRAM, *libraries]))) == 31


def test_a_narrow_terminal_gets_columns_that_lose_nothing() -> None:
    found = rows(Rootfs([PROGRAM, *ZONES]))
    assert table(found) == [
        "     10 B  /app                                 the program",
        "  3.00 kB  600 files below /usr/share/zoneinfo  timezone: ./app: imports tzset",
    ]
    narrow = table(found, width=50)
    assert all(len(line) <= 50 for line in narrow)
    letters = "".join("".join(narrow).split())
    assert all(word.replace(" ", "") in letters or word[:8] in letters for word in ("600 files", "timezone"))
    assert any("\x1b[" in line for line in table(found, width=50, colour=True))
