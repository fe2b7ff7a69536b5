"""From binaries and options to plans: what goes into the image of each platform, and why. Nothing is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.pipeline.locate import Roots, locate, refuse_unpackable
from scratchpack.pipeline.planner import Planner
from scratchpack.pipeline.platforms import in_order, platform_of, refuse_other_levels
from scratchpack.request import request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.elf.machines import Platform
    from scratchpack.pipeline.model import Located, Plan, Rooted
    from scratchpack.request.model import Request


def plan(
    binaries: StrPath | Iterable[StrPath],
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    strict: bool = True,
) -> tuple[Plan, ...]:
    """Plan one image a platform, in the order of ``--platform``, else in which they were first met.

    With ``strict=False`` problems stay in the plan instead of being raised. The files of a plan can be read as long as it lives.

    Raises:
        UsageError: a value that is none, no such file, an impossible combination of options.
        InputError: a binary that cannot be read or packed.
        ClosureError: the loader would not start it; every problem is in ``details``.
        NeedError: a runtime need cannot be provided from this root.
    """
    from scratchpack.request.given import paths

    asked = request(options, "pack", environ)
    return planned(paths(binaries), asked, Roots(asked.root), strict=strict)


def planned(binaries: Sequence[str], asked: Request, roots: Rooted, *, strict: bool = True) -> tuple[Plan, ...]:
    """Plan what was asked for, as :func:`plan` does; the files of the plans can be read until ``roots`` are closed."""
    found = [locate(binary, roots.host, roots.root, dict(asked.env).get("PATH")) for binary in binaries]
    return planned_programs(found, asked, roots, strict=strict)


def planned_programs(
    located: Sequence[Located], asked: Request, roots: Rooted, *, strict: bool = True
) -> tuple[Plan, ...]:
    """The same of programs that were found already."""
    found = list(located)
    if asked.need.get("commands") == "always":
        from scratchpack.pipeline.scripting.commands import with_commands

        found = [with_commands(one, roots, dict(asked.env).get("PATH")) for one in found]
    if asked.cpu not in {None, "all"}:
        for one in found:
            refuse_other_levels(asked.cpu or "", one.programs[0])
    groups: dict[Platform, list[Located]] = {}
    for one in found:
        if strict:
            refuse_unpackable(one.programs[0], entrypoint=asked.entrypoint, assume_static=asked.assume_static)
        groups.setdefault(platform_of(one.programs[0]), []).append(one)
    if len(groups) > 1 and any(len(group) > 1 for group in groups.values()):
        raise UsageError(
            "cannot pack these binaries together: "
            + ", ".join(f"{one.programs[0].given} is {platform_of(one.programs[0])}" for one in found),
            hint="binaries of one platform make one image; for an index give one binary a platform",
        )
    order = in_order(asked.platform, tuple(groups))
    return tuple(Planner(groups[platform], roots, asked, strict=strict).plan(platform) for platform in order)
