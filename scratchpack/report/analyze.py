"""What ``analyze`` found goes in; text that fits a screen comes out, or the JSON document (``docs/schema/analyze.json``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack.layers.versions import Cause
from scratchpack.report.json import SCHEMA, path_fields
from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.layers.waste import LayerWaste
    from scratchpack.pipeline.analyze import Analyses, Analysis, HiddenFile

_ROWS = 5  # of each table; --json has all
_WIDE = 100  # columns


class _Group(NamedTuple):
    """Hidden files of one layer with one cause, which one layer hid: they have one cure, or nearly."""

    size: int
    files: int
    path: str  # of the one file, else of the directory that holds all
    first: HiddenFile


def document(analyses: Analyses) -> dict[str, Any]:
    """What ``analyze --json`` prints."""
    total = analyses.together
    return {
        "schema": SCHEMA,
        "images": [_image(one) for one in analyses.images],
        "together": {
            "registry_bytes": total.registry,
            "sum_bytes": total.alone,
            "node_disk_bytes": total.node_disk,
            "pull_bytes": list(total.pull),
            "shared_layers": [
                {"digest": one.digest, "bytes": one.size, "images": list(one.images)} for one in total.shared
            ],
        },
    }


def _image(one: Analysis) -> dict[str, Any]:
    waste = one.waste
    return {
        "reference": one.reference,
        "platform": one.platform,
        "base": one.base,
        "base_layers": one.base_layers,
        "bytes": waste.size,
        "compressed_bytes": sum(layer.stored for layer in one.layers),
        "live": waste.live,
        "hidden": waste.hidden,
        "overhead": waste.overhead,
        "efficiency": waste.efficiency,
        "efficiency_above_base": None if one.base is None else one.judged.efficiency,
        "layers": [
            {
                "digest": layer.digest,
                "diff_id": layer.diff_id,
                "chain_id": layer.chain_id,
                "bytes": layer.waste.size,
                "compressed_bytes": layer.stored,
                "created_by": layer.created_by,
                "live": layer.waste.live,
                "overhead": layer.waste.overhead,
                "hidden": _causes(layer.waste),
                "hides": layer.waste.hides,
            }
            for layer in one.layers
        ],
        "hidden_files": [
            {
                **path_fields(file.dead.path),
                "bytes": file.dead.size,
                "cause": _word(file.dead.cause),
                "layer": file.dead.layer,
                "by_layer": file.dead.by_layer,
                "by": file.by,
                "cure": file.cure,
            }
            for file in one.hidden
        ],
        "leftovers": [
            {"kind": left.kind, **path_fields(left.path), "bytes": left.size, "layer": left.layer, "cure": left.cure}
            for left in one.leftovers
        ],
        "duplicates": [
            {"digest": twice.digest, "paths": list(twice.paths), "bytes": twice.size} for twice in one.waste.duplicates
        ],
        "needed": one.needed,
        "needed_unknown": one.unresolved or None,
    }


def _word(cause: Cause) -> str:
    return cause.value.replace("-", "_")


def _causes(waste: LayerWaste) -> dict[str, int]:
    return {_word(cause): waste.hidden[cause] for cause in Cause}


def text(analyses: Analyses, *, colour: bool = False) -> str:
    """One block an image, and one for all where there are several."""
    blocks = ["\n".join(_block(one, colour=colour)) for one in analyses.images]
    if len(analyses.images) > 1:
        blocks.append("\n".join(_together(analyses, colour=colour)))
    return "\n\n".join(blocks) + "\n"


def _block(one: Analysis, *, colour: bool) -> Iterator[str]:
    bold, off = ("\033[1m", "\033[0m") if colour else ("", "")
    waste = one.waste
    stored = sum(layer.stored for layer in one.layers)
    yield f"{bold}{escape(one.reference)}{off} ({one.platform}): efficiency {bold}{100 * waste.efficiency:.1f} %{off}"
    if one.base is not None:
        above = one.judged
        yield f"  above {escape(one.base)} ({_count(one.base_layers, 'layer')}): efficiency {100 * above.efficiency:.1f} %, {human(above.hidden)} hidden"
    causes = {cause: sum(layer.hidden[cause] for layer in waste.layers) for cause in Cause}
    named = ", ".join(f"{human(size)} {cause}" for cause, size in causes.items() if size)
    yield f"  {human(waste.size)} unpacked, {human(stored)} stored = {human(waste.live)} live + {human(waste.hidden)} hidden + {human(waste.overhead)} overhead"
    if named:
        yield f"  hidden: {named}"
    if one.needed is not None:
        yield f"  what it starts needs {human(one.needed)}"
    else:
        yield f"  what it starts needs: not known ({escape(one.unresolved)})"
    yield ""
    yield f"  {bold}layer      live    hidden     hides  made by{off}"
    # the largest, in their order; a screen has no room for a hundred
    rows = sorted(range(len(one.layers)), key=lambda at: -one.layers[at].waste.size)[: 2 * _ROWS]
    for at in sorted(rows):
        layer = one.layers[at]
        figures = layer.waste
        row = f"  {at + 1:>5} {human(figures.live):>9} {human(sum(figures.hidden.values())):>9} {human(figures.hides):>9}  "
        yield row + _cut(escape(layer.instruction) or "(the config does not say)", _WIDE - len(row))
    yield from _more(len(one.layers) - len(rows), "smaller layer")
    groups = _groups(one)
    if groups:
        yield f"  {bold}hidden bytes{off}"
    for group in groups[:_ROWS]:
        dead = group.first.dead
        what = _cut(escape(group.path), 50) + (f" ({_count(group.files, 'file')})" if group.files > 1 else "")
        yield f"  {human(group.size):>9}  {what}: {dead.cause}, of layer {dead.layer + 1} by layer {dead.by_layer + 1}"
        yield f"{'':>13}{escape(group.first.cure)}"
    yield from _more(len(groups) - _ROWS, "group")
    if one.leftovers:
        yield f"  {bold}left over{off}"
    for left in one.leftovers[:_ROWS]:
        yield f"  {human(left.size):>9}  {_cut(escape(left.path), 50)}: {left.kind}, of layer {left.layer + 1}"
        yield f"{'':>13}{escape(left.cure)}"
    yield from _more(len(one.leftovers) - _ROWS, "leftover")
    if waste.duplicates:
        yield f"  {bold}held more than once{off}"
    for twice in waste.duplicates[:_ROWS]:
        others = f" and {_count(len(twice.paths) - 2, 'other')}" if len(twice.paths) > 2 else ""
        yield f"  {human(twice.size):>9}  {_cut(escape(twice.paths[0]), 40)} = {_cut(escape(twice.paths[1]), 40)}{others}"
    yield from _more(len(waste.duplicates) - _ROWS, "duplicate")


def _groups(one: Analysis) -> list[_Group]:
    """Largest first."""
    found: dict[tuple[object, ...], list[HiddenFile]] = {}
    for file in one.hidden:
        dead = file.dead
        # what one whiteout deleted belongs together; files that were written again are each their own story
        same = dead.by_path if dead.cause is Cause.DELETED else os.path.dirname(dead.path)
        found.setdefault((dead.layer, dead.by_layer, dead.cause, same), []).append(file)
    groups = []
    for files in found.values():
        path = files[0].dead.path if len(files) == 1 else os.path.commonpath([file.dead.path for file in files])
        groups.append(_Group(sum(file.dead.size for file in files), len(files), path, files[0]))
    return sorted(groups, key=lambda group: (-group.size, group.path))


def _together(analyses: Analyses, *, colour: bool) -> Iterator[str]:
    bold, off = ("\033[1m", "\033[0m") if colour else ("", "")
    total = analyses.together
    yield f"{bold}together{off}: {human(total.registry)} in a registry ({human(total.alone)} one by one), {human(total.node_disk)} on a node's disk"
    for one, pull in zip(analyses.images, total.pull, strict=True):
        yield f"  {human(pull):>9}  pulled for {escape(one.reference)} ({one.platform}), after those above"
    for layer in total.shared[:_ROWS]:
        yield f"  {human(layer.size):>9}  {layer.digest[:19]} shared by {_cut(escape(', '.join(layer.images)), 60)}"
    yield from _more(len(total.shared) - _ROWS, "shared layer")


def _more(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"{'':>13}… and {_count(count, what)} more (--json lists all)"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
