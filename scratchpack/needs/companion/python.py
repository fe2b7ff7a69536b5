"""N21: Python's standard library, without which it does not start."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import Unavailable, Wants
from scratchpack.needs.companion.base import bring
from scratchpack.needs.companion.interpreter import Interpreter
from scratchpack.needs.gather import reasons

if TYPE_CHECKING:
    from scratchpack.needs.base import Contribution, Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_VERSION = re.compile(r"python(\d+\.\d+)")
_LEFT = re.compile(
    r"/(?:__pycache__|test|tests|idlelib|turtledemo|ensurepip|dist-packages|site-packages|config-[^/]*)(?:/|$)"
)


class Python(Interpreter):
    """Python finds it from where it lies itself: PREFIX/lib/pythonX.Y/os.py is its landmark."""

    name = "python"
    summary = "Python does not start without its standard library"
    wants = Wants(symbols=("Py_Initialize*", "Py_BytesMain", "Py_RunMain"), fragments=("PYTHONHOME",))
    library = ("libpython",)

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The library of the version that the interpreter's real name says."""
        because = reasons(self.name, evidence)
        for seen in (*subject.named("libpython*"), subject.program):
            real = seen.resolution.node.canonical
            version = _VERSION.search(posixpath.basename(real))
            prefixes = [parent for parent in _parents(real) if root.lookup(parent)]
            for prefix in prefixes if version else ():
                home = posixpath.join(prefix, f"lib/python{version[1]}") if version else ""
                if root.lookup(f"{home}/os.py"):
                    return bring(root, home, because, subject.program.path, _is_wanted, enter=_is_wanted)
        raise Unavailable("no standard library of this Python", "install it (Debian: libpython3-stdlib)")


def _is_wanted(path: str) -> bool:
    return not _LEFT.search(path + "/")


def _parents(path: str) -> list[str]:
    """The directories above a file, the nearest first."""
    found = []
    while path not in {"/", ""}:
        path = posixpath.dirname(path)
        found.append(path)
    return found


NEED = Python()
