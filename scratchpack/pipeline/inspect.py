"""``inspect``: one binary goes in; its plan comes out, with the problems in it. Nothing is raised for them and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.pipeline.locate import Roots
from scratchpack.pipeline.plan import planned
from scratchpack.request import request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.config import Options
    from scratchpack.config.options import StrPath
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request


def inspect(binary: StrPath, options: Options | None = None, *, environ: Mapping[str, str] | None = None) -> Plan:
    """What a binary is, what its loader maps, what it opens later, and what its image would hold.

    Raises:
        UsageError, InputError: as :func:`scratchpack.pipeline.plan.plan`.
    """
    from scratchpack.request.given import path

    asked = request(options, "inspect", environ)
    return carry_out(path(binary, "a binary"), asked)


def carry_out(binary: str, asked: Request) -> Plan:
    """Do what was asked for, as :func:`inspect` does; the files of the plan cannot be read, its roots are closed."""
    with Roots(asked.root) as roots:
        return planned([binary], asked, roots, strict=False)[0]
