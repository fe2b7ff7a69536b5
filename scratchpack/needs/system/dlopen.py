"""N34, N40: names of libraries in the strings of what calls dlopen, Nim's patterns with alternatives among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.needs.base import IMPORTERS, A, Contribution, ElfRoot, Evidence, Seen, Wants, is_libc
from scratchpack.needs.system.driver import is_driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.needs.base import NeedOptions, Subject
    from scratchpack.sysroot.model import Sysroot

_SONAME = re.compile(r"(?:/[\w.+/-]+/)?[A-Za-z_][\w.+-]*\.so(?:\.\d+)*")
_SEVERAL = re.compile(r"\.so(?:\.\d+)*/?lib")  # literals side by side, as Rust puts them
_RUST = ("/library/core/src/", "/library/std/src/")
_LOADERS = ("ld-linux", "ld-musl", "ld.so", "ld64.so", "ld-2.", "ld.so.", "ld-elf")
_NIM = re.compile(r"(?P<stem>lib[\w+-]+\.so)\((?P<ends>[.\d|\w]*)\)")


class Dlopen:
    """The program's own call with the program's own whole string is evidence; a library's is a candidate."""

    name = "dlopen"
    summary = "libraries named in strings may be opened later"
    wants: Wants = Wants(symbols=("dlopen", "dlmopen"), inside=((IMPORTERS, ".so"),))
    adds = "a"

    def detect(self, subject: Subject) -> tuple[Evidence, ...]:
        """One piece of evidence for each name that is not loaded anyway; drivers are another need's (N23)."""
        loaded = {seen.name for seen in subject.objects if not seen.brought}
        loaded |= {seen.path for seen in subject.objects if not seen.brought}
        for seen in subject.objects:  # what the loader itself asks for at start is no guess, found or missing
            facts = seen.resolution.facts
            loaded |= {*facts.needed, facts.interpreter or ""}
        found: list[Evidence] = []
        for seen in subject.objects:
            if is_libc(seen.name) or not seen.imports & {"dlopen", "dlmopen"}:
                continue
            found += (
                Evidence(self.name, seen.tier, f"imports dlopen, string {names[0]}", seen.path, names)
                for names in _named(seen)
                if not {*loaded, seen.name} & {*names} and not any(is_driver(name) for name in names)
            )
        return tuple(dict.fromkeys(found))

    def provide(
        self, root: Sysroot, evidence: tuple[Evidence, ...], options: NeedOptions, subject: Subject
    ) -> Contribution:
        """Those that resolve: a name that does not was never going to be opened here."""
        always = options.modes.get(self.name) == "always"
        chosen = [item for item in evidence if always or item.tier == A]
        return Contribution(
            elf_roots=tuple(
                ElfRoot(item.found[0], item.by, required=False, alternatives=item.found[1:], guess=True)
                for item in chosen
            )
        )


def _named(seen: Seen) -> Iterator[tuple[str, ...]]:
    """The names in one object's strings, each with its alternatives."""
    is_rust = any(mark in seen.strings for mark in _RUST)
    for run in seen.strings.get(".so", ()):
        text = run.strip()
        if _SONAME.fullmatch(text):
            base = text.rpartition("/")[2]
            if _SEVERAL.search(base) or base.startswith(_LOADERS) or (is_rust and not base.startswith("lib")):
                continue
            yield (text,)
        elif pattern := _NIM.fullmatch(text):
            yield tuple(pattern["stem"] + end for end in pattern["ends"].split("|"))


NEED = Dlopen()
