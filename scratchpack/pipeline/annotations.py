"""The standard ``org.opencontainers.image.*`` annotations: plans go in; what each program's file holds about its own build comes out (N30, N31).

A binary is untrusted: only short, printable values of the expected form are taken from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scratchpack.elf.evidence import Elf
    from scratchpack.elf.gobuild import GoBuild
    from scratchpack.pipeline.model import Plan, Program

PREFIX = "org.opencontainers.image."
FORGES = frozenset({"bitbucket.org", "codeberg.org", "github.com"})  # host/owner/repository is the source's address
MAX_VALUE = 256  # characters
_TIME = pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MAJOR = pattern(r"v\d+")


def standard_annotations(plans: Iterable[Plan], outside: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """The annotations of each plan's image; what the binary holds comes before ``outside``, what git knows."""
    return tuple({PREFIX + key: text for key, text in {**outside, **_of_plan(plan)}.items()} for plan in plans)


def common(tables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What all images of an index say alike."""
    first, *others = tables
    return {key: text for key, text in first.items() if all(other.get(key) == text for other in others)}


def _of_plan(plan: Plan) -> dict[str, str]:
    program = plan.programs[0]
    if program.is_script:
        return {}
    values = _of_elf(_view(program))
    if "created" in values and plan.config.created is not None:
        values["created"] = plan.config.created  # what the user gave (I7)
    return values


def _view(program: Program) -> Elf:
    from scratchpack.elf.views import Views

    return Views().of(program.root, program.node, program.facts)


def _of_elf(elf: Elf) -> dict[str, str]:
    from scratchpack.elf.gobuild import has_note

    package = elf.package()
    values = {"title": package.get("name", ""), "version": package.get("version", "")}
    if (
        has_note(elf.notes()) and elf.go_build is not None
    ):  # the note first: without it a data segment would be searched
        values |= {key: text for key, text in of_go(elf.go_build).items() if text}
    return {key: text for key, text in values.items() if text and len(text) <= MAX_VALUE and text.isprintable()}


def of_go(build: GoBuild) -> dict[str, str]:
    """What ``go version -m`` shows, in the annotations' words (without their prefix); empty where it is not known."""
    settings = dict(build.settings)
    revision = settings.get("vcs.revision", "")
    if revision and settings.get("vcs.modified") == "true":
        revision += "-dirty"
    time = settings.get("vcs.time", "")
    module, version = (build.main.path, build.main.version) if build.main else ("", "")
    return {
        "title": _title(build.path if module else ""),
        "version": "" if version == "(devel)" else version,
        "revision": revision,
        "created": time if _TIME.fullmatch(time) else "",
        "source": _source(module),
    }


def _title(path: str) -> str:
    """The program's name: the last part of the main package's path, a major version passed over."""
    parts = [part for part in path.split("/") if part]
    while len(parts) > 1 and _MAJOR.fullmatch(parts[-1]):
        parts.pop()
    return parts[-1] if parts else ""


def _source(module: str) -> str:
    parts = module.split("/")
    return "https://" + "/".join(parts[:3]) if len(parts) >= 3 and parts[0] in FORGES else ""
