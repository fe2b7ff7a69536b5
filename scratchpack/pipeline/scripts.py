"""A ``#!`` script as programs: its name goes in; out come itself and each interpreter that would be started for it (R16)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.elf.kind import Kind, sniff
from scratchpack.elf.model import Linkage
from scratchpack.elf.reader import read_elf
from scratchpack.errors import ClosureError, InputError
from scratchpack.loader.objects import Objects
from scratchpack.loader.resolve import Placed
from scratchpack.loader.scripts import DEFAULT_PATH, interpreters
from scratchpack.pipeline.model import Located, Program

if TYPE_CHECKING:
    from scratchpack.elf.model import ElfFacts
    from scratchpack.sysroot.model import Node, Sysroot

_OTHERS_READ = 0o004


def with_interpreters(
    given: str, where: Sysroot, path: str, node: Node, keeps_path: bool, root: Sysroot, search_path: str | None
) -> Located:
    """The script first, with the machine of what finally runs; then its interpreters in the order they start.

    Raises:
        ClosureError: no interpreter of the chain is there, so nothing says which machine this is for.
        InputError: the ``#!`` line names nothing, or what others may not read; or it is the wrapper of a libtool
            build tree.
    """
    _refuse_libtool_wrapper(given, where, node)
    chain = interpreters(Placed(where, path), root, Objects(), search_path=search_path or DEFAULT_PATH)
    found = [(placed, *_read(placed)) for placed in chain.programs]
    _refuse_private(given, found)
    machines = [facts for _, _, facts in found if facts is not None]
    if not machines:
        raise ClosureError(
            f"cannot pack {given}: its interpreter is not there",
            details=tuple(f"{p.name}: {p.detail}, asked for by {p.requester}" for p in chain.problems),
            hint="install it, or give the root filesystem that has it with --root DIR",
        )

    def program(placed: Placed, at: Node, facts: ElfFacts | None) -> Program:
        own = facts or _script_facts(machines[0], placed.path, at)
        return Program(placed.path, placed.root, placed.path, at, own, keeps_path=True, asked_by=given)

    script = Program(given, where, path, node, _script_facts(machines[0], given, node), keeps_path)
    return Located((script, *(program(placed, at, facts) for placed, at, facts in found)), chain.problems)


def as_script(interpreter: Program, path: str, node: Node) -> Located:
    """A file that an interpreter is given as its argument, as if its first line named that interpreter."""
    facts = _script_facts(interpreter.facts, path, node)
    script = Program(path, interpreter.root, path, node, facts, keeps_path=True)
    return Located((script, interpreter._replace(asked_by=path)))


def _refuse_libtool_wrapper(given: str, where: Sysroot, node: Node) -> None:
    """N47: the wrapper finds its program by its own place in the build tree, and relinks it there; neither travels.

    Raises:
        InputError: it is one; the message names the program.
    """
    from scratchpack.scripts.bundles.marks import HEAD, libtool_wrapper

    with where.open(node) as stream:
        real = libtool_wrapper(stream.read(HEAD))
    if real is not None:
        path = posixpath.join(posixpath.dirname(given), real)
        raise InputError(
            f"cannot pack {given}: it is a libtool wrapper, a script that starts {path} in its build tree",
            hint=f"pack {path} with -e LD_LIBRARY_PATH=DIR for the libraries of the build tree, or what `make install` installs",
        )


def _refuse_private(given: str, found: list[tuple[Placed, Node, ElfFacts | None]]) -> None:
    """A script's first line is not trusted: it does not publish a file that its owner keeps from others.

    Raises:
        InputError: an interpreter is one that others may not read.
    """
    for placed, node, _ in found:
        if not node.mode & _OTHERS_READ:
            raise InputError(
                f"cannot pack {given}: {placed.path}, which its #! line starts, is a file that others may not read",
                hint=f"an image gives it to everybody: if that is meant, chmod o+r {placed.path}",
            )


def _read(placed: Placed) -> tuple[Node, ElfFacts | None]:
    node = placed.root.lookup(placed.path)
    if node is None:
        raise ClosureError(f"cannot read {placed.path}: it went away while it was looked at")
    with placed.root.open(node) as stream:
        facts = None if sniff(stream, placed.path) is Kind.SCRIPT else read_elf(stream, origin=placed.path)
    return node, facts


def _script_facts(machine: ElfFacts, origin: str, node: Node) -> ElfFacts:
    """A script has the machine of its interpreter, and nothing else of it."""
    return machine._replace(
        origin=origin, linkage=Linkage.SCRIPT, interpreter=None, has_dynamic=False, soname=None, requests=(),
        rpath=None, runpath=None, audit=None, depaudit=None, version_needs=(), version_defs=(), build_id=None, size=node.size,
    )  # fmt: skip
