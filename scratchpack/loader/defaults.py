"""What is compiled into a loader, read from its own bytes and never guessed (R10)."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, NamedTuple

from scratchpack.loader.hwcaps import NAMES

MAX_LOADER = 32 << 20  # bytes; glibc's is 0.2 MB, musl's (with the C library) 0.6 MB, more with symbols
_DIRECTORIES = re.compile(rb"(?<![\x21-\x7e])(?:/[\x21-\x7e]{0,4094}/\0|/\0){1,32}")
_CACHE = re.compile(rb"(?<=\0)(/[\x21-\x7e]{1,4094}/ld\.so\.cache)\0")
_PRELOAD = re.compile(rb"(?<=\0)(/[\x21-\x7e]{1,4094}/ld\.so\.preload)\0")
_LIB = re.compile(rb"(?<=\0)(lib[\x21-\x7e]{0,255})(?=\0)")
_BANNER = b" release version "
_RELEASE = re.compile(rb"\(([^)\0]{0,200})\) [a-z ]{0,40} ?release version ((\d{1,3})\.(\d{1,3})(?:\.\d{1,8})*)")
_MUSL_DIRECTORIES = re.compile(rb"(?<=\0)(/lib:/usr/local/lib:/usr/lib)\0")
_MUSL_PATH_FILE = re.compile(rb"/etc/ld-musl-([\x21-\x24\x26-\x7e]{1,40})\.path\0")


class Defaults(NamedTuple):
    """The constants of one loader. ``directories`` are without trailing slashes, in search order."""

    libc: str | None  # "glibc" | "musl"; None: neither, or nothing could be read
    directories: tuple[str, ...]
    cache: str | None = None
    preload: str | None = None
    lib: str | None = None  # $LIB
    hwcaps: frozenset[str] = frozenset()
    release: tuple[int, int] | None = None
    arch: str | None = None  # musl's own name of the machine, as in ld-musl-ARCH.path


def read_defaults(stream: BinaryIO) -> Defaults:
    """The constants in the bytes of the file that PT_INTERP names."""
    data = stream.read(MAX_LOADER)
    if (musl := _MUSL_PATH_FILE.search(data)) is not None:
        found = _MUSL_DIRECTORIES.search(data)
        directories = os.fsdecode(found[1]).split(":") if found else ["/lib", "/usr/local/lib", "/usr/lib"]
        return Defaults("musl", tuple(directories), arch=os.fsdecode(musl[1]))
    cache = _CACHE.search(data)
    if cache is None:
        return Defaults(None, ())
    directories = _system_directories(data)
    preload, release = _PRELOAD.search(data), _release(data)
    return Defaults(
        "glibc",
        tuple(directories),
        os.fsdecode(cache[1]),
        os.fsdecode(preload[1]) if preload else None,
        _lib(data, directories),
        frozenset(name for names in NAMES.values() for name in names if _listed(data, name)),
        (int(release[3]), int(release[4])) if release else None,
    )


def read_build(stream: BinaryIO) -> str | None:
    """The build that glibc's loader, or its C library, names in its banner, for example "Debian GLIBC 2.36-9 (2.36)"."""
    found = _release(stream.read(MAX_LOADER))
    return f"{os.fsdecode(found[1])} ({os.fsdecode(found[2])})" if found else None


def _release(data: bytes) -> re.Match[bytes] | None:
    at = data.find(_BANNER)  # a plain search first: the C library has 2 MB
    return _RELEASE.search(data, max(0, at - 260), at + 64) if at >= 0 else None


def _system_directories(data: bytes) -> list[str]:
    """The longest run of ``/…/`` strings in which some directory's name has "lib" in it.

    There may be two copies of the table, and the first string of one may touch other bytes: the whole one counts.
    """
    runs = ([os.fsdecode(text[:-1]) or "/" for text in m[0].split(b"\0")[:-1]] for m in _DIRECTORIES.finditer(data))
    return max((run for run in runs if any("lib" in directory for directory in run)), key=len, default=[])


def _lib(data: bytes, directories: list[str]) -> str | None:
    """``$LIB``: a string ``lib…`` that is the end of a system directory; the longest one."""
    ends = [
        text
        for found in _LIB.finditer(data)
        if any(directory.endswith("/" + (text := os.fsdecode(found[1]))) for directory in directories)
    ]
    return max(ends, key=len, default=None)


def _listed(data: bytes, name: str) -> bool:
    return re.search(rb"(?<=[\0:])" + re.escape(name.encode()) + rb"(?=[\0:])", data) is not None
