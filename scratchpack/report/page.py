"""``analyze --html``: what was found goes in, one page comes out that needs no network: a map to explore, and tables for whoever has no map.

All text out of an image goes through the template's escaping as text, the map's data too: the page's script parses it out of a text node (S12).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scratchpack.foreign import legible
from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from scratchpack.pipeline.analyze import Analyses, Analysis

_FILES = 10_000  # of one image on the map, the largest; the others are one for each layer
_ROWS = 100


def page(analyses: Analyses) -> str:
    """The whole document."""
    from scratchpack.render import render

    names = ", ".join(escape(one.reference) for one in analyses.images)
    context = {
        "title": f"What {names} holds and hides",
        "images": [_tables(one) for one in analyses.images],
        "data": json.dumps([_map(one) for one in analyses.images], separators=(",", ":")),
    }
    return render("report/analyze.html.j2", context)


def _map(one: Analysis) -> dict[str, Any]:
    files: list[tuple[str, int, int, str, str, str]] = [
        (file.path, file.size, file.layer, file.package, "", file.reason) for file in one.files
    ]
    files += [
        (h.dead.path, h.dead.size, h.dead.layer, "", f"{h.dead.cause} by layer {h.dead.by_layer + 1}: {h.by}", h.cure)
        for h in one.hidden
    ]
    files.sort(key=lambda file: (-file[1], file[0]))
    rest: dict[tuple[int, bool], int] = {}
    for _, size, layer, _, cause, _ in files[_FILES:]:
        rest[layer, bool(cause)] = rest.get((layer, bool(cause)), 0) + size
    files[_FILES:] = [
        (f"/(smaller files of layer {layer + 1})", size, layer, "", "by later layers" if dead else "", "")
        for (layer, dead), size in sorted(rest.items())
    ]
    return {
        "name": f"{escape(one.reference)} ({one.platform})",
        "layers": [legible(layer.instruction) for layer in one.layers],
        "files": [[escape(path), size, layer, legible(owner), legible(cause), legible(why)] for path, size, layer, owner, cause, why in files],
    }  # fmt: skip


def _tables(one: Analysis) -> dict[str, Any]:
    waste = one.waste
    rows = [(h.dead.size, h.dead.path, f"{h.dead.cause} in layer {h.dead.by_layer + 1}", h.cure) for h in one.hidden]
    rows += [(left.size, left.path, f"left over: {left.kind}", left.cure) for left in one.leftovers]
    rows += [(twice.size, twice.paths[0], f"equal to {', '.join(twice.paths[1:4])}", "keep one, and link the others to it") for twice in waste.duplicates]  # fmt: skip
    rows.sort(key=lambda row: (-row[0], row[1]))
    needed = (
        f"what it starts needs {human(one.needed)}"
        if one.needed is not None
        else f"what it starts needs is not known: {one.unresolved}"
    )
    return {
        "reference": escape(one.reference),
        "platform": one.platform,
        "line": legible(
            f"{human(waste.size)} = {human(waste.live)} live + {human(waste.hidden)} hidden + {human(waste.overhead)} overhead; "
            f"efficiency {100 * waste.efficiency:.1f} %; {needed}"
        ),
        "layers": [
            {
                "live": human(layer.waste.live),
                "hidden": human(sum(layer.waste.hidden.values())),
                "hides": human(layer.waste.hides),
                "by": escape(layer.instruction),
            }
            for layer in one.layers
        ],
        "rows": [
            {"size": human(size), "path": escape(path), "why": escape(why), "cure": escape(cure)}
            for size, path, why, cure in rows[:_ROWS]
        ],
        "left_out": f"{len(rows) - _ROWS} smaller ones are in --json." if len(rows) > _ROWS else "",
    }
