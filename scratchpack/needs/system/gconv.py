"""N3: glibc converts only ASCII, UTF-8 and UCS by itself; every other charset is a module below gconv/."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import PROGRAM, B, Contribution, ElfRoot, Unavailable, Wants
from scratchpack.needs.gather import copied, read, reasons
from scratchpack.needs.language.haskell import idle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.needs.base import Evidence, NeedOptions, Subject
    from scratchpack.sysroot.model import Node, Sysroot

# What a program that converts at all is given: 143 kB. Its own strings add to it (N3).
USUAL = ("UTF-16", "UTF-32", "UTF-7", "ISO-8859-1", "ISO-8859-15", "CP1252")
_WORD = re.compile(r"[A-Za-z0-9_.:()+-]{3,32}")


class Gconv:
    """The usual modules, those that the program names, and the cache, which alone suffices to find them."""

    name = "gconv"
    summary = "iconv knows only UTF-8, ASCII and UCS without glibc's gconv modules"
    wants: Wants = Wants(
        symbols=("iconv_open",),
        inside=(
            ("libc.so.6", "/gconv"),
            (PROGRAM, "/gconv"),  # libc's own string in a static program
            *(
                (PROGRAM, charset)
                for charset in (
                    *(
                        "ISO-8859",
                        "ISO8859",
                        "ISO_8859",
                        "iso-8859",
                        "iso8859",
                        "LATIN",
                        "latin",
                        "WINDOWS-",
                        "windows-",
                    ),
                    *(
                        "CP",
                        "cp1",
                        "cp4",
                        "cp8",
                        "KOI8",
                        "koi8",
                        "EUC",
                        "euc",
                        "SHIFT",
                        "shift_jis",
                        "SJIS",
                        "GB",
                        "gb",
                    ),
                    *(
                        "BIG5",
                        "big5",
                        "UTF-7",
                        "ISO-2022",
                        "iso-2022",
                        "IBM",
                        "MACINTOSH",
                        "TIS-620",
                        "JOHAB",
                        "UHC",
                    ),
                )
            ),
        ),
    )
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """Imports of iconv_open in a glibc program, with the words of its own strings that may be charsets."""
        if subject.libc != "glibc":
            return ()
        runs = {run for text in subject.program.strings.values() for run in text}
        words = tuple(sorted({word for run in runs for word in _WORD.findall(run)}))
        unasked = idle(subject)
        return tuple(
            item if item.tier not in self.adds else item._replace(tier=B) if unasked else item._replace(found=words)
            for item in subject.evidence(self.name, *self.wants.symbols)
        )

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """The modules and their table; the whole directory (8 MB) under ``always``."""
        node = _directory(root, subject)
        if node is None:
            raise Unavailable("there is no gconv directory", "install libc-bin (Debian) or glibc-gconv-extra (Fedora)")
        because = reasons(self.name, evidence)
        requester = next(subject.named("libc.so.6"), subject.program).path
        if options.modes.get(self.name) == "always":
            names = {name for name in root.list(node) if name.endswith(".so")}
        else:
            names = set(wanted_modules(_tables(root, node), (*USUAL, *(w for item in evidence for w in item.found))))
        there = names & set(root.list(node))
        roots = tuple(ElfRoot(posixpath.join(node.canonical, name), requester) for name in sorted(there))
        cache = copied(root, posixpath.join(node.canonical, "gconv-modules.cache"), because)
        if not cache:
            tables = ("gconv-modules", *(f"gconv-modules.d/{name}" for name in _extra(root, node)))
            cache = tuple(
                entry for name in tables for entry in copied(root, posixpath.join(node.canonical, name), because)
            )
        return Contribution(cache, roots)


def _directory(root: Sysroot, subject: Subject) -> Node | None:
    """The directory that libc itself names; beside libc where it names none that is there (a relocated root)."""
    libc = next(subject.named("libc.so.6"), subject.program)
    beside = posixpath.join(posixpath.dirname(libc.resolution.node.canonical), "gconv")
    for path in (*(run for run in libc.strings.get("/gconv", ()) if run.startswith("/")), beside):
        node = root.lookup(path)
        if node is not None and node.kind == "directory":
            return node
    return None


def _extra(root: Sysroot, node: Node) -> tuple[str, ...]:
    directory = root.lookup(posixpath.join(node.canonical, "gconv-modules.d"))
    return root.list(directory) if directory is not None and directory.kind == "directory" else ()


def _tables(root: Sysroot, node: Node) -> Iterator[str]:
    for name in ("gconv-modules", *(f"gconv-modules.d/{name}" for name in _extra(root, node))):
        text = read(root, posixpath.join(node.canonical, name)) or b""
        yield from text.decode(errors="replace").splitlines()


def wanted_modules(table: Iterable[str], words: Iterable[str]) -> Iterator[str]:
    """File names of the modules that convert these charsets, from the lines of gconv-modules.

    Lines read ``alias FROM// TO//`` and ``module FROM// TO// FILE COST``; ``words`` may hold anything else too.
    """
    aliases: dict[str, str] = {}
    modules: dict[str, set[str]] = {}
    for line in table:
        match line.partition("#")[0].split():
            case ["alias", source, target, *_]:
                aliases[source.removesuffix("//").upper()] = target.removesuffix("//").upper()
            case ["module", source, target, file, *_]:
                for charset in (source, target):
                    if charset.upper() != "INTERNAL":
                        modules.setdefault(charset.removesuffix("//").upper(), set()).add(file)
            case _:
                pass
    found: set[str] = set()
    for word in words:
        name = word.upper()
        found |= modules.get(aliases.get(name, name), set())
    return (file if file.endswith(".so") else f"{file}.so" for file in sorted(found))


NEED = Gconv()
