"""A root full of secrets, and programs whose strings ask for them in every way in which some need reads strings.

Everything is made from the tables of needs themselves, so a new need is tried without being named here: the program
imports every symbol that a row wants, loads a stub of every library that a row looks into, and program and stubs hold
strings that join each wanted fragment with a secret's path.
"""

from __future__ import annotations

import os
import posixpath
import random
import re
import shutil
from typing import TYPE_CHECKING, NamedTuple

from scratchpack.needs.base import PROGRAM
from scratchpack.needs.index import LANGUAGES, ROWS
from tests.support.build import cc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CANARY = b"CANARY: nobody may ever see this\n"
LOADER = "/lib64/ld-linux-x86-64.so.2"
_AREA, _MARK = 1 << 15, "@@AREA@@"
_SONAME = "libstub_of_a_library_with_a_long_name.so.0"

# Directories that hold secrets, and the mode of the files in them.
SECRET = {
    "/root/.ssh": 0o600,
    "/root": 0o644,
    "/home/u/.ssh": 0o600,
    "/home/u": 0o644,
    "/home/u/notes": 0o644,
    "/home/v": 0o644,
    "/data/people/w": 0o644,  # a home directory that only passwd knows
    "/etc": 0o600,
    "/etc/company": 0o644,
    "/etc/ssl/private": 0o644,
    "/run/secrets": 0o644,
    "/srv/customers": 0o644,
    "/mnt/secret": 0o644,
    "/var/lib/company": 0o644,
    "/var/tmp/work": 0o644,
    "/usr/share/zoneinfo/locked": 0o600,
    "/home/u/app/bin/.git": 0o644,
    "/home/u/app/bin/locked": 0o640,
    "/home/u/app": 0o644,  # above the directory that holds the program
}
# Names that some need looks for in a directory that a string names, and some that none does.
LEAVES = (
    *("id_rsa", "token", "openssl.cnf", "magic", "magic.mgc", "odbcinst.ini", "odbc.ini", "cert.pem", "mime.types"),
    *("en_US.aff", "en_US.dic", "icudt72l.dat", "UTC", "locale-archive", "loaders.cache", "plugin.so", "font.ttf"),
    *("x/xterm", "fonts.conf", "os.py", "key.conf", "gconv-modules", "share/x", "lib/x.so", "ca-certificates.crt"),
)
LINKS = {"/usr/share/zoneinfo/way": "/root", "/usr/share/misc/magic": "/home/u/notes", "/home/u/app/bin/out": "/srv"}


class World(NamedTuple):
    """A root on disk with a program and its libraries, whose strings are not filled in yet."""

    root: Path
    program: Path
    libraries: dict[str, Path]  # pattern of the rows -> its stub

    @property
    def inside(self) -> str:
        """The program's path in the root."""
        return "/" + str(self.program.relative_to(self.root))


def secrets() -> Iterator[tuple[str, int]]:
    """Every canary's path and mode."""
    for directory, mode in SECRET.items():
        yield from ((posixpath.join(directory, leaf), mode) for leaf in LEAVES)


def world(base: Path, *, packages: bool, where: str = "/home/u/app/bin") -> World:
    """Make the root; with ``packages`` it has a dpkg database that owns nothing but directories everybody fills."""
    root = base / "root"
    for path, mode in secrets():
        place = root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(CANARY if not path.endswith(".so") else b"\x7fELF" + CANARY)
        place.chmod(mode)
    for path, target in LINKS.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).symlink_to(target)
    (root / "etc/passwd").write_text(
        "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:\nw:x:1001:1001::/data/people/w:\n"
    )
    if packages:
        (root / "var/lib/dpkg/info").mkdir(parents=True)
        (root / "var/lib/dpkg/status").write_text("Package: base\nStatus: install ok installed\nVersion: 1\n")
        (root / "var/lib/dpkg/info/base.list").write_text("/.\n/etc\n/usr\n/usr/share\n/srv\n/mnt\n/var\n/var/lib\n")
    home = root / where[1:]
    home.mkdir(parents=True, exist_ok=True)
    (root / LOADER[1:]).parent.mkdir(exist_ok=True)
    shutil.copy(os.path.realpath(LOADER), root / LOADER[1:])
    stub = cc(base / _SONAME, _area(), "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{_SONAME}").read_bytes()
    libraries = {name: home / _file_name(name) for name in _libraries()}
    for library in libraries.values():
        library.write_bytes(stub.replace(_SONAME.encode(), library.name.encode().ljust(len(_SONAME), b"\0")))
        library.chmod(0o644)
    symbols = sorted({want.replace("*", "") for row in (*ROWS, *LANGUAGES) for want in row.wants.symbols})
    defined = "".join(f".globl {name}\\n.type {name},@object\\n{name}: .byte 0\\n.size {name},1\\n" for name in symbols)
    extra = cc(home / "libsymbols.so", f'__asm__(".data\\n{defined}");\n', "-shared", "-fPIC", "-nostdlib")
    declared = "".join(f'extern char s{n}[] __asm__("{name}");\n' for n, name in enumerate(symbols))
    used = ",".join(f"s{n}" for n in range(len(symbols)))
    program = cc(
        home / "leak",
        f"{_area()}{declared}char *used[] = {{{used}}};\nvoid _start(void) {{}}\n",
        *("-nostdlib", f"-Wl,-dynamic-linker={LOADER}", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed"),
        *map(str, dict.fromkeys((extra, *libraries.values()))),
    )
    return World(root, program, libraries)


def _libraries() -> list[str]:
    """Every library that a row looks into or waits for, but the loader."""
    rows = (*ROWS, *LANGUAGES)
    names = {name for row in rows for name, _ in row.wants.inside} | {
        name for row in rows for name in row.wants.sonames
    }
    return sorted(name for name in names if not name.startswith(("<", "ld-")))


def _file_name(pattern: str) -> str:
    stem = pattern.removesuffix("*")
    return stem if re.search(r"\.so\.\d+$", stem) or stem == pattern else stem + (".0" if ".so" in stem else "x.so.0")


def _area() -> str:
    return f'const char area[{_AREA}] = "{_MARK}";\n'


def spellings(path: str, fragment: str) -> tuple[str, ...]:
    """Ways to ask for ``path`` in a string that a need finds because ``fragment`` is in it."""
    directory, name = posixpath.split(path)
    up = "../" * 9
    return (
        *(f"{path}:/x/{fragment}", f"/x/{fragment}:{path}", f"{directory}{fragment}", f"{path}{fragment}"),
        *(
            f"{fragment}/{up}{path[1:]}",
            f"/usr/share/{fragment}/{up}{path[1:]}",
            f"/usr/share{fragment}/{up}{directory[1:]}",
        ),
        *(f"../{fragment}/{up}{path[1:]}", f"{up}{path[1:]}:{fragment}", f"{up}{directory[1:]}/{fragment}"),
        *(f"{fragment}{path}", f'{fragment}{directory}"', f'{fragment}{path}"', f"{fragment}../../../..{path}>"),
        *(f"{fragment}<include>{path}</include><dir>{directory}</dir><cachedir>{directory}</cachedir>", name),
        *(f"{fragment}={directory}", f"{path}", f"{directory}/"),
    )


def fill(made: World, seed: int) -> None:
    """Write the strings of one program: its own, and those of each library, chosen by ``seed``."""
    dice = random.Random(seed)
    paths = [path for path, _ in secrets()] + [link + "/id_rsa" for link in LINKS]
    rows = (*ROWS, *LANGUAGES)
    own = {text for row in rows for text in row.wants.fragments}
    own |= {text for row in rows for name, text in row.wants.inside if name.startswith("<")}
    _write(made.program, own, paths, dice)
    for pattern, library in made.libraries.items():
        wanted = {text for row in rows for name, text in row.wants.inside if name == pattern}
        _write(library, wanted, paths, dice)


def _write(file: Path, fragments: set[str], paths: Sequence[str], dice: random.Random) -> None:
    runs: list[str] = []
    for fragment in sorted(fragments):
        runs.append(fragment)
        runs += [dice.choice(spellings(dice.choice(paths), fragment)) for _ in range(1 + 24 // len(fragments))]
    text = b"\0".join(run.encode() for run in ["", *runs, ""])
    data = file.read_bytes()
    mark = _MARK.encode()
    at = data.find(mark)
    assert at >= 0, f"{file} has no area"
    room = text[: _AREA - len(mark) - 2]
    file.write_bytes(
        data[: at + len(mark)] + b"\0" + room + bytes(_AREA - len(mark) - 1 - len(room)) + data[at + _AREA :]
    )


def asks_own(row_names: Sequence[str]) -> tuple[str, ...]:
    """``--need NAME=always`` for each, so that every need provides, whatever it makes of the evidence."""
    return tuple(f"{name}=always" for name in row_names)


__all__ = ["CANARY", "LINKS", "PROGRAM", "SECRET", "World", "asks_own", "fill", "secrets", "spellings", "world"]
