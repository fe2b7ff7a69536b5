"""What is compiled into a loader, read from its own bytes and never guessed (R10)."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, NamedTuple

from scratchpack.loader.hwcaps import NAMES

MAX_LOADER = 8 << 20  # bytes; glibc's is 0.2 MB, musl's (with the C library) 0.6 MB, more with symbols
MAX_LIBC = 32 << 20  # bytes; glibc's has 2 MB, more with symbols
MAX_ENDS = 4096  # strings that end in "/": glibc's loader has a dozen
# Each pattern begins with its literal, and plain searches come first: every dynamic program pays for them.
_PRINTABLE = bytes(range(0x21, 0x7F))
_CACHE, _PRELOAD, _MUSL_PATH = b"/ld.so.cache\0", b"/ld.so.preload\0", b"/etc/ld-musl-"
_BANNER = b" release version "
_RELEASE = re.compile(rb"\(([^)\0]{0,200})\) [a-z ]{0,40} ?release version ((\d{1,3})\.(\d{1,3})(?:\.\d{1,8})*)")
_MUSL_DIRECTORIES = re.compile(rb"/lib:/usr/local/lib:/usr/lib\0")
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
    if _MUSL_PATH in data and (musl := _MUSL_PATH_FILE.search(data)) is not None:
        found = _MUSL_DIRECTORIES.search(data)
        return Defaults("musl", ("/lib", "/usr/local/lib", "/usr/lib") if found else (), arch=os.fsdecode(musl[1]))
    cache = _string_that_ends(data, _CACHE)
    if cache is None:
        return Defaults(None, ())
    directories, release = _system_directories(data), _release(data)
    return Defaults(
        "glibc",
        tuple(directories),
        cache,
        _string_that_ends(data, _PRELOAD),
        _lib(data, directories),
        frozenset(name for names in NAMES.values() for name in names if _listed(data, name.encode())),
        (int(release[3]), int(release[4])) if release else None,
    )


def _string_that_ends(data: bytes, end: bytes) -> str | None:
    """The first whole string, an absolute path, that ends so."""
    at = data.find(end)
    if at < 0:
        return None
    start = data.rfind(b"\0", max(0, at - 4096), at) + 1
    text = data[start : at + len(end) - 1]
    return os.fsdecode(text) if text.startswith(b"/") and not text.strip(_PRINTABLE) else None


def read_build(stream: BinaryIO) -> str | None:
    """The build that glibc's loader, or its C library, names in its banner, for example "Debian GLIBC 2.36-9 (2.36)"."""
    found = _release(stream.read(MAX_LIBC))
    return f"{os.fsdecode(found[1])} ({os.fsdecode(found[2])})" if found else None


def _release(data: bytes) -> re.Match[bytes] | None:
    at = data.find(_BANNER)  # a plain search first: the C library has 2 MB
    return _RELEASE.search(data, max(0, at - 260), at + 64) if at >= 0 else None


def _system_directories(data: bytes) -> list[str]:
    """The longest run of ``/…/`` strings in which some directory's name has "lib" in it.

    There may be two copies of the table, and the first string of one may touch other bytes: the whole one counts.
    """
    best: list[str] = []
    run: list[str] = []
    following, left = -1, MAX_ENDS  # where the next string of this run starts
    at = data.find(b"/\0")
    while at >= 0 and left:
        head = data[max(0, at - 4095) : at]
        start = at - len(head) + len(head.rstrip(_PRINTABLE))
        if start != following or len(run) == 32:
            run = []
        if data[start] == ord("/"):
            run.append(os.fsdecode(data[start:at]) or "/")
        else:
            run = []  # the end of some longer text
        if len(run) > len(best) and any("lib" in directory for directory in run):
            best = list(run)
        following, left = at + 2, left - 1
        at = data.find(b"/\0", following)
    return best


def _lib(data: bytes, directories: list[str]) -> str | None:
    """``$LIB``: a string ``lib…`` that is the end of a system directory; the longest one."""
    parts = (directory.split("/")[-4:] for directory in directories)
    ends = {"/".join(words[at:]) for words in parts for at, word in enumerate(words) if word.startswith("lib")}
    return max((end for end in ends if b"\0" + os.fsencode(end) + b"\0" in data), key=len, default=None)


def _listed(data: bytes, name: bytes) -> bool:
    return name in data and re.search(rb"[\0:]" + re.escape(name) + rb"[\0:]", data) is not None
