"""Tier and option give a decision: one table. Then what was decided for is provided, or reported as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import NeedError, UsageError
from scratchpack.needs.base import NeedResult, Unavailable
from scratchpack.needs.gate import gate_of, withheld_line
from scratchpack.needs.index import LANGUAGES, ROWS
from scratchpack.needs.load import detector_of, need_of
from scratchpack.needs.names import NOTES, SCRIPT_NEEDS
from scratchpack.needs.plugin import plugins_found
from scratchpack.needs.scan import Look, deepen, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from scratchpack.loader.model import Closure, Resolution
    from scratchpack.needs.base import Evidence, NeedOptions, RuntimeNeed, Subject, View
    from scratchpack.needs.gate import Gate
    from scratchpack.sysroot.model import Sysroot

MODES = ("auto", "always", "never")

# (a tier that the need adds by itself, mode) -> decision
TABLE: dict[tuple[bool, str], str] = {
    (True, "auto"): "added",
    (False, "auto"): "suggested",
    (True, "always"): "added",
    (False, "always"): "added",
    (True, "never"): "off",
    (False, "never"): "off",
}


def decision(tier: str, adds: str, mode: str) -> str:
    """What is done about a need of this tier ("" for no evidence at all) that adds itself for the tiers in ``adds``."""
    return TABLE[bool(tier) and tier in adds, mode]


def examine(
    program: Resolution,
    closure: Closure,
    root: Sysroot,
    views: Callable[[Resolution], View],
    options: NeedOptions,
    *,
    strict: bool = True,
) -> tuple[NeedResult, ...]:
    """Every need that there is evidence for, or that was asked for, decided and provided.

    With ``strict=False`` (``inspect``) what cannot be provided is a result too, "unavailable".

    Call it again with the larger closure once the ``elf_roots`` were resolved, until nothing new comes.

    Raises:
        NeedError: needs that should be added and cannot be, all of them together (exit 5).
        UsageError: a mode or a need's name that does not exist.
    """
    modes = options.modes
    bad = tuple(f"{name}={mode}" for name, mode in modes.items() if mode not in MODES)
    if bad:
        raise UsageError(f"cannot use --need {bad[0]}: a need is auto, always or never", details=bad[1:])
    known = {*SCRIPT_NEEDS, *(row.name for row in ROWS)}
    plugins = plugins_found()
    unknown = sorted(modes.keys() - known - plugins.keys())
    if unknown:
        raise UsageError(
            f"cannot use --need {unknown[0]}: there is no such need",
            hint="needs are: " + ", ".join(sorted({*known, *plugins})),
        )
    looks = [Look(row.name, row.wants) for row in (*ROWS, *LANGUAGES)]
    looks += [Look(name, need.wants) for name, need in plugins.items()]
    scanned = look(program, closure, views, looks, options.env)
    forced = {name for name, mode in modes.items() if mode == "always"}
    told = (*_languages(scanned.subject, scanned.hits), *options.beside)
    wanted = {*forced, *(item.need for item in told)}
    subject = scanned.subject
    if wanted - scanned.hits:
        subject = deepen(subject, views, [item for item in looks if item.name in wanted])
    gate = gate_of(root, program, options.keep)
    results, failed = [], []
    needs = (need_of(row) for row in ROWS if row.name in scanned.hits or row.name in wanted)
    theirs = (need for name, need in plugins.items() if name in scanned.hits or name in wanted)
    for need in (*needs, *theirs):
        evidence = (*(item for item in told if item.need == need.name), *need.detect(subject))
        result = _decide(need, evidence, subject, gate, options)
        if result is not None:
            results.append(result)
            failed += [result.suggestion] if result.decision == "unavailable" and result.essential else []
    if failed and strict:
        raise NeedError(
            "cannot put in the image what the program will open",
            details=tuple(failed),
            hint="install it in the root, or leave it out with --need NAME=never",
        )
    return tuple(results)


def _decide(
    need: RuntimeNeed, found: tuple[Evidence, ...], subject: Subject, gate: Gate, options: NeedOptions
) -> NeedResult | None:
    mode = options.modes.get(need.name, "auto")
    evidence = tuple(sorted(dict.fromkeys(found), key=lambda item: item.tier))
    tier = evidence[0].tier if evidence else ""
    if not tier and mode != "always":
        return None
    decided = decision(tier, need.adds, mode)
    result = NeedResult(need.name, tier or "a", decided, evidence)
    if decided == "off":
        return result
    if decided == "suggested" and need.name != NOTES:  # which has nothing to offer, and whose evidence is all it says
        option = f"--need {need.name}=always" if need.adds else ""
        return result._replace(suggestion=f"{need.summary}; {_because(evidence)}", option=option)
    gate.withheld.clear()
    gate.dropped.clear()
    try:
        brought = need.provide(gate, evidence, options, subject)
    except Unavailable as missing:
        why = "".join(
            f"; {text}" for text in (_because(evidence) if evidence else "", withheld_line(gate.withheld)) if text
        )
        text = f"{need.name}: {missing.missing} in {gate.name}{why}; {missing.remedy}, or use --need {need.name}=never"
        essential = missing.essential or mode == "always"
        return result._replace(decision="unavailable", suggestion=text, essential=essential)
    if gate.withheld or gate.dropped:
        withheld = (f"{need.name}: {withheld_line(gate.withheld)}",) if gate.withheld else ()
        travelling = {entry.path for entry in brought.files}
        dropped = (line for path, line in sorted(gate.dropped.items()) if path in travelling)
        brought = brought._replace(notes=(*brought.notes, *withheld, *dropped))
    from scratchpack.rootfs import Rootfs

    if mode == "auto" and not any((brought.files, brought.elf_roots, brought.env)):
        # Strings of files that this root does not have say nothing; what the need says of it stays in the report.
        return result._replace(decision="suggested", notes=brought.notes) if brought.notes else None
    return result._replace(
        files=tuple(Rootfs(brought.files)), elf_roots=brought.elf_roots, env=brought.env, notes=brought.notes
    )


def _because(evidence: tuple[Evidence, ...]) -> str:
    first = evidence[0]
    return f"{first.by} {first.because}".strip()


def _languages(subject: Subject, hits: frozenset[str]) -> tuple[Evidence, ...]:
    """What the detectors of languages tell of the program, for other needs."""
    return tuple(item for row in LANGUAGES if row.name in hits for item in detector_of(row).detect(subject))
