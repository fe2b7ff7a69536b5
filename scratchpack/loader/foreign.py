"""Which machine a root is for, by the loaders in it: to say so where a program of another one does not start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import ConfinementError, InputError
from scratchpack.loader.late import LOADERS

if TYPE_CHECKING:
    from scratchpack.loader.objects import Objects
    from scratchpack.sysroot.model import Sysroot

# musl's own names of machines, where they differ from ours
_MUSL = {"ppc64": "powerpc64", "ppc64le": "powerpc64le", "mipsn32": "mipsn32"}


def foreign_root(root: Sysroot, objects: Objects, machine: str) -> str | None:
    """A sentence for a program of ``machine`` if the root has loaders, and of other machines only; else ``None``."""
    found = []
    for name, glibc in LOADERS.items():
        for path in (glibc, f"/lib/ld-musl-{_MUSL.get(name, name)}.so.1"):
            actual = _machine(root, objects, path)
            if actual is not None and actual not in found:
                found.append(actual)
    if not found or machine in found:
        return None
    return f"this is {machine}, the root {root.name} is {' and '.join(found)}; give a root of its machine with --root"


def _machine(root: Sysroot, objects: Objects, path: str) -> str | None:
    try:
        node = objects.lookup(root, path)
        return objects.facts(root, node).machine if node is not None and node.kind == "file" else None
    except (InputError, ConfinementError):
        return None
