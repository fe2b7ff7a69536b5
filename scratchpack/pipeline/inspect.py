"""``inspect``: the plan of one binary, problems included, nothing raised for them and nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.config import Options
from scratchpack.pipeline.plan import plan

if TYPE_CHECKING:
    from scratchpack.pipeline.model import Plan


def inspect(binary: str, options: Options | None = None) -> Plan:
    """What a binary is, what its loader maps, what it opens later, and what its image would hold.

    Raises:
        UsageError, InputError: as :func:`scratchpack.pipeline.plan.plan`.
    """
    return plan([binary], options or Options(), strict=False)[0]
