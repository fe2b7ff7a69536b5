"""From a name on the command line to a program in a root, or to the error that says what the file is."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, open_input, sniff
from scratchpack.elf.model import Linkage
from scratchpack.elf.reader import read_elf
from scratchpack.elf.system import LINUX
from scratchpack.errors import InputError, UsageError
from scratchpack.pipeline.model import Located, Program
from scratchpack.pipeline.place import is_system
from scratchpack.sysroot.dirroot import DirRoot

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn, Self

    from scratchpack.elf.model import ElfFacts
    from scratchpack.sysroot.model import Sysroot


class Roots:
    """The roots of one run, opened once: the host's, and the one that libraries and data come from (without ``--root`` the same).

    Raises:
        UsageError: ``--root`` is no directory.
    """

    def __init__(self, root: str | None = None) -> None:
        self.host = DirRoot("/")
        same = root is None or os.path.abspath(root) == "/"
        self.root = self.host if same or root is None else DirRoot(root)

    def close(self) -> None:
        """Close both; what was found in them cannot be read any more."""
        self.host.close()
        self.root.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def locate(given: str, host: Sysroot, root: Sysroot, search_path: str | None = None) -> Located:
    """Find one binary and read its facts; of a script, its chain of interpreters too.

    ``search_path`` is the image's PATH, for ``env`` in a ``#!`` line.

    With ``--root`` an absolute name is inside the root and a relative one is on the host.

    Raises:
        UsageError: no such file, naming the places tried.
        InputError: what stands there cannot be packed.
    """
    inside = root is not host and given.startswith("/")
    where = root if inside else host
    path = given if inside else os.path.abspath(given)
    if not inside and (root is host or os.path.lexists(given)):
        open_input(given).close()  # refuses what is special before anything is read, in the user's words (S6)
    node = where.lookup(path)
    if node is None:
        raise _in_neither(given, root)
    with where.open(node) as stream:
        facts = None if sniff(stream, given) is Kind.SCRIPT else read_elf(stream, origin=given)
    keeps = inside or is_system(path)
    if facts is not None:
        _refuse_other_systems(given, facts)
        return Located((Program(given, where, path, node, facts, keeps),))
    from scratchpack.pipeline.scripts import with_interpreters

    return with_interpreters(given, where, path, node, keeps, root, search_path)


def _in_neither(given: str, root: Sysroot) -> UsageError:
    """The error that names both places where a program may stand with ``--root``."""
    inside = posixpath.join("/", given)
    there = root.lookup(inside) is not None
    here = os.path.exists(given)
    return UsageError(
        f"cannot read {given}: there is no such file " + (f"in {root.name}" if given.startswith("/") else "here"),
        details=(
            f"in {root.name}: " + (f"{inside} exists" if there else f"no {inside}"),
            "on the host: " + (f"{given} exists; name it relative to the current directory" if here else f"no {given}"),
        ),
        hint="with --root an absolute name is inside the root; a relative name is on the host",
    )


def _refuse_other_systems(given: str, facts: ElfFacts) -> None:
    if facts.system != LINUX:
        refuse_system(given, facts.system)


def refuse_system(given: str, system: str) -> NoReturn:
    """Linux would start it, and it would die at its first system call.

    Raises:
        InputError: it was linked for another operating system.
    """
    raise InputError(
        f"cannot pack {given}: it is a program for {system}, and containers of this kind run Linux programs",
        hint="build it for Linux (with Go `GOOS=linux go build`, with Rust or C a linux target), or get its Linux release",
    )


def refuse_unpackable(program: Program, *, entrypoint: tuple[str, ...] | None, assume_static: bool) -> None:
    """Stop at what is ELF and still no program that can be packed (R17, S24).

    Raises:
        InputError: a shared object without ``--entrypoint``, a compressed program without ``--assume-static``.
    """
    facts: ElfFacts = program.facts
    if facts.linkage is Linkage.SHARED_OBJECT and entrypoint is None:
        raise InputError(
            f"cannot pack {program.given}: it is a shared library, which nothing starts by itself",
            hint="pack the program that loads it, or say what the image runs with --entrypoint",
        )
    if facts.linkage is Linkage.COMPRESSED and not assume_static:
        raise InputError(
            f"cannot pack {program.given}: it is compressed (UPX), so its dependencies cannot be seen",
            hint="unpack it with `upx -d`, or pack it as it is with --assume-static if you know that it is static",
        )
