"""What the loaders check once everything is mapped: symbol versions (glibc), symbols themselves (musl): R15, R22, R27."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.loader.hwcaps import NAMES
from scratchpack.loader.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scratchpack.loader.objects import Objects
    from scratchpack.loader.search import Loaded

RELR_MARK, PRIVATE = "GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"
RELR_RELEASE = (2, 36)
NT_GNU_PROPERTY = 5
X86_ISA_NEEDED = 0xC0008002
_PROBLEM = 300  # bytes of one that is reported
_MUSL_OWN = frozenset({"_DYNAMIC", "__dls2b", "__dls3"})


def check_versions(
    loaded: Sequence[Loaded],
    match: Callable[[str], Loaded | None],
    release: tuple[int, int] | None,
    objects: Objects,
) -> Iterator[Problem]:
    """Glibc's ``_dl_check_map_versions``: every version asked for, used or not (R15).

    A provider that is missing altogether was reported already.
    """
    defines: dict[int, frozenset[str]] = {}
    for requester in loaded:
        for need in requester.facts.version_needs:
            provider = match(need.file)
            if provider is None:
                continue
            if id(provider) not in defines:
                defines[id(provider)] = frozenset(provider.facts.version_defs)
            defined = defines[id(provider)]
            for version in need.versions:
                if version.name in defined:
                    continue
                if not provider.facts.has_verdef:
                    yield _unversioned(requester, provider, need.file)
                    break
                objects.budget.keep(_PROBLEM + len(provider.path))
                severity = "warning" if version.weak else "error"
                detail = f"version `{version.name}' not found in {provider.path}"
                yield Problem("version", severity, requester.path, need.file, detail)
        yield from _check_relr(requester, release)


def _unversioned(requester: Loaded, provider: Loaded, name: str) -> Problem:
    """A provider that defines no version: a warning, unless it has no version table at all.

    glibc's ``check_match`` then ends the process at the first symbol that it binds there (elf/dl-lookup.c).
    """
    if provider.facts.version_needs:
        detail = f"no version information in {provider.path}: the symbols bind without it"
        return Problem("version", "warning", requester.path, name, detail)
    detail = f"{provider.path} has no versions at all, and the loader gives up where it looks for one in it"
    return Problem("version", "error", requester.path, name, detail)


def _check_relr(requester: Loaded, release: tuple[int, int] | None) -> Iterator[Problem]:
    facts = requester.facts
    if not facts.has_relr or release is None:
        return
    if release < RELR_RELEASE:
        detail = f"it has packed relative relocations (DT_RELR), and glibc {release[0]}.{release[1]} cannot apply them"
        yield Problem("version", "error", requester.path, "DT_RELR", detail)
        return
    of_libc = [need for need in facts.version_needs if need.file.startswith("libc.so.")]
    marked = any(version.name == RELR_MARK for need in of_libc for version in need.versions)
    if of_libc and not marked and PRIVATE not in facts.version_defs:
        detail = f"DT_RELR without {RELR_MARK} dependency"
        yield Problem("version", "error", requester.path, "DT_RELR", detail)


def check_symbols(loaded: Sequence[Loaded], objects: Objects) -> Iterator[Problem]:
    """Musl resolves every symbol before the program starts: one that nobody defines stops it (R15)."""
    views = [(each, objects.elf(each.root, each.node)) for each in loaded]
    defined = frozenset().union(*(view.exports() for _, view in views)) | _MUSL_OWN
    for each, view in views:
        for name in sorted(view.imports() - view.weak_imports() - defined):
            objects.budget.keep(_PROBLEM)
            yield Problem("symbol", "error", each.path, name, "no loaded object defines it")


def check_processor(loaded: Sequence[Loaded], objects: Objects, level: str) -> Iterator[Problem]:
    """Objects whose note says that they need more of an x86-64 processor than the target has (R22)."""
    rising = ("baseline", *reversed(NAMES["x86_64"]))
    have = rising.index(level) if level in rising else 0
    for each in loaded:
        need = isa_needed(objects, each)
        if need > have:
            detail = f"its note says it needs {rising[min(need, len(rising) - 1)]}: older processors refuse to start it"
            yield Problem("cpu", "warning", each.path, each.asked, detail)


def isa_needed(objects: Objects, loaded: Loaded) -> int:
    """The highest x86 ISA level that a GNU property note asks for: 0 is the baseline, 3 is x86-64-v4."""
    for note in objects.elf(loaded.root, loaded.node).notes():
        if note.owner != b"GNU" or note.type != NT_GNU_PROPERTY:
            continue
        at = 0
        while at + 8 <= len(note.desc):
            kind, size = (int.from_bytes(note.desc[at + o : at + o + 4], "little") for o in (0, 4))
            if kind == X86_ISA_NEEDED and size == 4:
                return max(0, int.from_bytes(note.desc[at + 8 : at + 12], "little").bit_length() - 1)
            at += 8 + -(-size // 8) * 8
    return 0


def check_build(interpreter: Loaded, libc: Loaded | None, objects: Objects) -> Iterator[Problem]:
    """The C library and the loader must be of one build (R27)."""
    if libc is None:
        return
    theirs, own = objects.build(libc.root, libc.node), objects.build(interpreter.root, interpreter.node)
    if theirs is not None and own is not None and theirs != own:
        detail = f"{libc.path} is of {theirs}, the loader {interpreter.path} of {own}: they must be of one build"
        yield Problem("version", "error", libc.path, interpreter.path, detail)
