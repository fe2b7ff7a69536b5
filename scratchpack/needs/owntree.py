"""A program's own tree: what lies beside it, known by how the files lie and not by any string in them.

In go a root and the program's paths; out come directories: the one that holds the program, and a prefix that its
landmark proves, as the interpreter itself would look for it (a virtual environment's ``pyvenv.cfg``, Python's
``lib/pythonX.Y/os.py``, ``package.json``, the ``lib/modules`` of a Java runtime). Never a home directory itself, nor
a directory that every package fills: of such a prefix only the directory that the landmark names belongs to it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Sysroot

# Files that prove a prefix, each relative to it; one part may be a pattern.
_LANDMARKS = (
    *("pyvenv.cfg", "package.json", "conda-meta/history", "lib/modules", "lib/rt.jar", "jre/lib/rt.jar"),
    *("lib/python*/os.py", "lib64/python*/os.py", "lib/perl5/*/strict.pm", "lib/ruby/*/rubygems.rb"),
    *("lib/tcl*/init.tcl", "lib/sbcl/sbcl.core"),
)
_OTHERS_WRITE = 0o002
_FIRST_PERSON = 1000  # the first uid that people are given; root is a person as well
_NOBODY = 65534
_MAX_PASSWD = 1 << 20  # bytes


def own_trees(root: Sysroot, programs: tuple[str, ...], homes: frozenset[str]) -> tuple[str, ...]:
    """The directories that belong to the program: canonical paths in ``root``."""
    found: dict[str, None] = {}
    for program in programs:
        directory = posixpath.dirname(program)
        if not _is_common(root, directory, homes):
            found[directory] = None
        found |= dict.fromkeys(_prefix(root, directory, homes))
    return tuple(found)


def landmarked(root: Sysroot, program: str) -> tuple[str, ...]:
    """Of a program's own tree, what a landmark proves: the runtime looks for it from where the program lies."""
    return tuple(_prefix(root, posixpath.dirname(program), home_directories(root)))


def _prefix(root: Sysroot, directory: str, homes: frozenset[str]) -> Iterator[str]:
    """The nearest directory above that a landmark proves, or the landmark's own directory where it is a shared one."""
    while True:
        marks = [mark for mark in _LANDMARKS if _holds(root, directory, mark)]
        if marks and not _is_common(root, directory, homes):
            yield directory
            return
        nested = [mark for mark in marks if mark.count("/") > 1]
        yield from (top for mark in nested for top in _below(root, directory, mark))
        if nested or directory in {"/", ""}:
            return
        directory = posixpath.dirname(directory)


def _holds(root: Sysroot, prefix: str, mark: str) -> bool:
    return any(True for _ in _matches(root, prefix, mark))


def _matches(root: Sysroot, prefix: str, mark: str) -> Iterator[str]:
    """The landmark's files: regular files at the place itself, no link leading away from the prefix."""
    head, star, tail = mark.partition("*")
    if not star:
        candidates = [posixpath.join(prefix, mark)]
    else:
        above, pattern = posixpath.split(head + star)
        from fnmatch import fnmatchcase

        node = root.lookup(posixpath.join(prefix, above))
        names = root.list(node) if node is not None and node.kind == "directory" else ()
        candidates = [posixpath.join(prefix, above, name) + tail for name in names if fnmatchcase(name, pattern)]
    for path in candidates:
        node = root.lookup(path)
        if node is not None and node.kind == "file" and places.within(node.canonical, prefix):
            yield path


def _below(root: Sysroot, prefix: str, mark: str) -> Iterator[str]:
    """``lib/python3.11`` of a shared prefix that holds ``lib/python3.11/os.py``."""
    for path in _matches(root, prefix, mark):
        parts = posixpath.relpath(path, prefix).split("/")
        yield posixpath.join(prefix, *parts[:2])


def _is_common(root: Sysroot, directory: str, homes: frozenset[str]) -> bool:
    """Whether a directory is everybody's, or a person's whole home: it is no program's own tree."""
    if places.is_home(directory) or places.is_shared(directory):
        return True
    if any(places.within(home, directory) for home in homes):
        return True
    node = root.lookup(directory)
    return node is None or bool(node.mode & _OTHERS_WRITE)


def home_directories(root: Sysroot) -> frozenset[str]:
    """The homes of people (and of root) that the root's passwd names, where they really lie."""
    found: set[str] = set()
    node = root.lookup("/etc/passwd")
    if node is not None and node.kind == "file" and node.size <= _MAX_PASSWD:
        with root.open(node) as stream:
            text = stream.read(_MAX_PASSWD).decode("utf-8", "surrogateescape")
        found |= set(_homes(text))
    real = {home: root.lookup(home) for home in found}
    found |= {node.canonical for node in real.values() if node is not None}
    return frozenset(home for home in found if not places.is_shared(home) or home in {"/root", "/home"})


def _homes(text: str) -> Iterator[str]:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) < 6 or not (fields[2].isascii() and fields[2].isdigit()) or len(fields[2]) > 10:
            continue
        person = fields[2] == "0" or (int(fields[2]) >= _FIRST_PERSON and int(fields[2]) != _NOBODY)
        if person and fields[5].startswith("/"):
            yield posixpath.normpath(fields[5])
