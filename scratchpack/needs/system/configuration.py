"""N49: files that a configuration, the argument list or a variable names. The names come from the pipeline, as evidence."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs import places
from scratchpack.needs.base import PROGRAM, Wants
from scratchpack.needs.companion.base import Companion, bring, joined, paths
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_PREFIXES = ("/usr/lib/", "/usr/share/", "/usr/local/", "/opt/")


class Configuration(Companion):
    """What is named is brought as far as the gate lets it through; what is not there, the report names file by file."""

    name = "configuration"
    summary = "the program opens the files that its configuration names"
    wants: Wants = Wants(inside=tuple((PROGRAM, prefix) for prefix in _PREFIXES))

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Nothing of the ELF file is evidence: the names stand beside it."""
        return ()

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Files, whole directories, libraries and programs with what they load.

        A relative name is looked for in the directories that the program's own strings name: its build put them there.
        """
        parts = []
        for item in evidence:
            found = next((path for path in _candidates(item.found[0], subject) if root.lookup(path) is not None), None)
            node = root.lookup(found) if found else None
            if found is None or node is None or (node.kind == "directory" and places.is_shared(node.canonical)):
                continue
            parts.append(bring(root, found, reasons(self.name, (item,)), subject.program.path, programs=True))
        return joined(parts)


def _candidates(name: str, subject: Subject) -> Iterator[str]:
    if name.startswith("/"):
        yield name
        return
    for prefix in _PREFIXES:
        for directory in paths(subject.strings(prefix), prefix):
            yield posixpath.join(directory, name)


NEED = Configuration()
