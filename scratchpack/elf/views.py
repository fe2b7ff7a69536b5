"""The views of the ELF files of one run: a file of a root goes in, its lazy views come out, each file's read once.

The loader, the needs and the report ask here, so that a symbol table is read once for all of them and what a hostile
file may cost counts against one budget (S4).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.elf.evidence import Elf

if TYPE_CHECKING:
    from scratchpack.elf.budget import Budget
    from scratchpack.elf.model import ElfFacts
    from scratchpack.sysroot.model import Node, Sysroot


class Views:
    """The views by inode. A file is opened through its root, which compares it with its node (S10)."""

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget
        self._known: dict[tuple[int, int, int], Elf] = {}

    def of(self, root: Sysroot, node: Node, facts: ElfFacts) -> Elf:
        """The views of one file whose facts are good; no byte is read before one of them is asked for."""
        known = self._known.get(node.inode)
        if known is None:
            known = self._known[node.inode] = Elf(partial(root.open, node), facts, self._budget)
        return known
