"""Programs that the program names by their whole path and starts itself (N51).

Each is a second program with a closure of its own, so it is offered and not taken.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import A, Contribution, ElfRoot, Evidence, Wants
from scratchpack.needs.gather import copied, reasons
from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_STARTS = ("execv*", "execl*", "posix_spawn", "posix_spawnp", "system", "popen")
_PLACES = ("/bin/", "/sbin/", "/libexec/")
_NAMED = pattern(
    r"(/(?:usr/(?:local/)?)?(?:s?bin|libexec)(?:/[\w.+-]+)+)(?:\s.*)?", 16
)  # re.DOTALL: it may begin a command line
_SHELLS = frozenset(
    {"sh", "bash", "dash", "csh", "false", "true", "nologin"}
)  # the shell need's, or no program of its own
_LISTED = 8


class Programs:
    """Only the program's own strings, and only where it starts programs itself: a library's are for other callers."""

    name = "programs"
    summary = "programs that it starts by their whole path are not there"
    wants: Wants = Wants(symbols=_STARTS, fragments=_PLACES)
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Strings that are, or begin with, the path of a program; none where the program starts nothing."""
        if not any(item.tier == A for item in subject.evidence(self.name, *_STARTS)):
            return ()
        matches = (_NAMED.fullmatch(text) for place in _PLACES for text in subject.strings(place))
        found = dict.fromkeys(match[1] for match in matches if match)
        return tuple(
            Evidence(self.name, A, f"string {path}", subject.program.path, (path,))
            for path in found
            if posixpath.basename(path) not in _SHELLS
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """A line with the options that add them; with ``always`` the programs, each with its libraries."""
        real = subject.program.resolution.node.canonical
        there: list[str] = []
        for item in evidence:
            node = root.lookup(item.found[0]) if item.found else None
            if node is not None and node.kind == "file" and node.mode & 0o111 and node.canonical != real:
                there.append(item.found[0])
        if not there:
            return Contribution()
        if options.modes.get(self.name) == "always":
            files = [entry for path in there for entry in copied(root, path, reasons(self.name, evidence))]
            roots = tuple(ElfRoot(path, subject.program.path, program=True) for path in there if _is_elf(root, path))
            return Contribution(tuple(files), roots)
        more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
        options_line = " ".join(f"--include {path}" for path in there[:_LISTED])
        line = f"programs: {subject.program.path} starts others by their whole path, which are not taken: add those used with {options_line}{more}, or all with --need programs=always"
        return Contribution(notes=(line,))


def _is_elf(root: Sysroot, path: str) -> bool:
    node = root.lookup(path)
    if node is None:
        return False
    with root.open(node) as stream:
        return stream.read(4) == b"\x7fELF"


NEED = Programs()
