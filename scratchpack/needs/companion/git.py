"""Git runs itself under other names from its exec path, and copies a template into new repositories."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, Contribution, Wants
from scratchpack.needs.companion.base import holding, paths
from scratchpack.needs.companion.interpreter import Interpreter, named_beside
from scratchpack.needs.gather import copied, reasons, tree
from scratchpack.rootfs import Symlink

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot


class Git(Interpreter):
    """Links to git itself cost nothing; its other programs are many megabytes, and named in a note."""

    name = "git"
    summary = "git cannot start its own parts without its exec path"
    wants = Wants(
        fragments=("GIT_EXEC_PATH",),
        inside=(*holding("/git-core", PROGRAM), *holding("share/git-core", PROGRAM)),
    )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Links in the exec path that lead to this program, and the templates."""
        because = reasons(self.name, evidence)
        program = subject.program.resolution.node
        files: list[Entry] = []
        others: list[str] = []
        for place in paths(subject.strings("/git-core"), "/git-core"):
            node = root.lookup(place)
            for name in root.list(node) if node is not None and node.kind == "directory" else ():
                child = root.lookup(posixpath.join(place, name))
                if child is not None and child.inode == program.inode:
                    files += [entry for entry in copied(root, child.asked, because) if isinstance(entry, Symlink)]
                elif child is not None and child.kind == "file":
                    others.append(name)
            for template in named_beside(program.canonical, subject.strings("share/git-core"), "share/git-core"):
                files += tree(root, template, because)
        left = (
            f"git: {len(others)} programs of its exec path are left out (remote-http among them): --include those used"
        )
        return Contribution(tuple(files), notes=(left,) if others else ())


NEED = Git()
