"""Why a plan cannot be: problems of the loader and of needs go in, the error that lists all of them comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import ClosureError, NeedError

if TYPE_CHECKING:
    from scratchpack.loader.model import Closure
    from scratchpack.needs.base import NeedResult
    from scratchpack.request.model import Request


def unresolved(closure: Closure) -> ClosureError:
    """The error that lists everything that would stop the program at once, each miss with all the places looked at, in order."""
    details: list[str] = []
    for problem in closure.errors:
        what = "not found" if problem.kind == "missing" else problem.kind
        details.append(
            f"{problem.name}: {what}, needed by {problem.requester}" + (f": {problem.detail}" if problem.detail else "")
        )
        details += [f"    looked at {place.path} ({place.via}): {place.verdict}" for place in problem.searched]
    program = closure.roots[0].path if closure.roots else ""
    return ClosureError(
        f"cannot pack {program}: the loader would not start it",
        details=tuple(details),
        hint="install what is missing, or say where it is: --root DIR for another root filesystem, "
        "-e LD_LIBRARY_PATH=DIR for a directory that the image will search",
    )


def hold_asked(results: tuple[NeedResult, ...], asked: Request) -> None:
    """Hold that what was asked for by name is there.

    Raises:
        NeedError: it is not.
    """
    lacking = [one for one in results if one.decision == "unavailable" and asked.need.get(one.name) == "always"]
    if lacking:
        raise NeedError(
            f"cannot put in the image what was asked for: {', '.join(one.name for one in lacking)}",
            details=tuple(one.suggestion for one in lacking if one.suggestion),
        )
