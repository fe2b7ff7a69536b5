"""``--max-waste`` and ``--min-efficiency``: the words go in before an image is opened; what is beyond them comes out as one error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scratchpack.errors import CheckError, UsageError

if TYPE_CHECKING:
    from scratchpack.pipeline.analyze import Analyses


class Allowance(NamedTuple):
    """What an image may waste. A share is from 0 to 1."""

    waste: int | float | None = None  # bytes, or a share as a float
    waste_text: str = ""
    efficiency: float | None = None
    efficiency_text: str = ""


def limits(max_waste: str | None, min_efficiency: str | None) -> Allowance:
    """Read ``--max-waste BYTES|%`` and ``--min-efficiency 0.9|90%``.

    Raises:
        UsageError: no such amount.
    """
    from scratchpack.oci.budget import size

    most: int | float | None = None
    if max_waste is not None:
        most = _share(max_waste, "--max-waste") if max_waste.strip().endswith("%") else size(max_waste)
    least = None if min_efficiency is None else _share(min_efficiency, "--min-efficiency")
    return Allowance(most, max_waste or "", least, min_efficiency or "")


def _share(text: str, option: str) -> float:
    digits = text.strip()
    percent = digits.endswith("%")
    digits = digits.removesuffix("%").strip()
    plain = digits.replace(".", "", 1)
    value = (
        float(digits) / (100 if percent else 1) if plain.isascii() and plain.isdigit() and len(plain) <= 20 else -1.0
    )
    if not 0 <= value <= 1:
        raise UsageError(
            f"cannot use {text!r} as {option}: it is no share",
            hint="write 90% or 0.9"
            if option == "--min-efficiency"
            else "write bytes (20M), or a share of the files' bytes: 5%",
        )
    return value


def hold(analyses: Analyses, allowed: Allowance) -> None:
    """Hold every image to the limits.

    Raises:
        CheckError: with the figure and the limit of each that is beyond.
    """
    beyond: list[str] = []
    for one in analyses.images:
        judged, where = one.judged, "" if one.base is None else f" above {one.base}"
        if allowed.waste is not None:
            share = 1 - judged.efficiency
            figure = share if isinstance(allowed.waste, float) else judged.hidden
            if figure > allowed.waste:
                shown = f"{judged.hidden} bytes are hidden{where}, {_percent(share)} of its files"
                beyond.append(f"{one.reference} ({one.platform}): {shown}; --max-waste allows {allowed.waste_text}")
        if allowed.efficiency is not None and judged.efficiency < allowed.efficiency:
            shown = f"the efficiency{where} is {_percent(judged.efficiency)}"
            beyond.append(
                f"{one.reference} ({one.platform}): {shown}; --min-efficiency asks for {allowed.efficiency_text}"
            )
    if beyond:
        raise CheckError(f"cannot accept {beyond[0]}", details=tuple(beyond[1:]))


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
