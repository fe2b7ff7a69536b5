"""N10: PAM reads the service's file and opens the modules that it names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.needs.base import Contribution, ElfRoot, Unavailable, Wants
from scratchpack.needs.companion.base import Companion, holding
from scratchpack.needs.gather import copied, read, reasons, tree

if TYPE_CHECKING:
    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_HOMES = ("/etc/pam.d", "/usr/lib/pam.d")  # pam.d(5): the order that libpam searches
_DEPTH = 8


class Pam(Companion):
    """The service is what the program says in its call: its own name if such a file exists, or ``--service``."""

    name = "pam"
    summary = "PAM denies everything without the service's file and its modules"
    wants = Wants(symbols=("pam_start*",), inside=holding("/security", "libpam.so*"))
    library = ("libpam.", "libpamc.", "libpam_misc.", "pam_")

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The service files, what they include, and their modules."""
        because = reasons(self.name, evidence)
        own = posixpath.basename(subject.program.path)
        names = options.services or ((own,) if self._file(root, own) else ())
        if not names:
            note = "PAM: this program's service is not known; name it with --service NAME"
            return Contribution(notes=(note,))
        lost = [name for name in names if not self._file(root, name)]
        if lost:
            raise Unavailable(f"no PAM service {', '.join(lost)}", "name a file of /etc/pam.d with --service")
        modules: dict[str, bool] = {}
        texts: dict[str, None] = {}
        for name in (*names, "other"):
            self._read(root, name, texts, modules, _DEPTH)
        files = [entry for path in texts for entry in copied(root, path, because)]
        files += [entry for entry in tree(root, "/etc/security", because) if not entry.path.endswith("opasswd")]
        places = [path for _, path in self.places(subject)]
        libpam = next(subject.named("libpam.so*"), subject.program)
        elf_roots, notes = [], []
        for module, optional in modules.items():
            spelled = [module] if module.startswith("/") else [posixpath.join(place, module) for place in places]
            found = next((path for path in spelled if root.lookup(path)), None)
            if found is not None:
                elf_roots.append(ElfRoot(found, libpam.path, required=not optional))
            elif not optional:
                notes.append(f"PAM: the module {module} is not in {root.name}")
        return Contribution(tuple(files), tuple(elf_roots), notes=tuple(notes))

    def _file(self, root: Sysroot, name: str) -> str | None:
        if "/" in name:
            return None
        return next((path for home in _HOMES if root.lookup(path := f"{home}/{name}")), None)

    def _read(self, root: Sysroot, name: str, texts: dict[str, None], modules: dict[str, bool], depth: int) -> None:
        path = self._file(root, name)
        if path is None or path in texts or not depth:
            return
        texts[path] = None
        text = (read(root, path) or b"").decode("utf-8", "replace").replace("\\\n", " ")
        for line in text.splitlines():
            words = _words(line.partition("#")[0])
            if words[:1] == ["@include"] and len(words) > 1:
                self._read(root, words[1], texts, modules, depth - 1)
            elif len(words) > 2 and words[1] in {"include", "substack"}:
                self._read(root, words[2], texts, modules, depth - 1)
            elif len(words) > 2:
                optional = words[0].startswith("-")  # pam.d(5): not even logged when it is missing
                modules[words[2]] = modules.get(words[2], True) and optional


def _words(line: str) -> list[str]:
    """Words of a line; a control in brackets is one word."""
    start, bracket, rest = line.partition("[")
    if not bracket or len(start.split()) != 1:
        return line.split()
    inside, _, tail = rest.partition("]")
    return [*start.split(), f"[{inside}]", *tail.split()]


NEED = Pam()
