"""What a fleet costs: each image alone, what it adds to those before it, all together, and unpacked on a node's disk (W8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.report.json import SCHEMA
from scratchpack.report.text import escape, human

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.pipeline.fleet.model import Failure, Fleet, Made

_ROWS = 40  # images that a person reads; a longer table is cut, and says so


def text(fleet: Fleet, *, colour: bool = False) -> str:
    """A row an image, the three totals, what is shared most."""
    return "".join(f"{line}\n" for line in _lines(fleet, colour=colour))


def faults(fleet: Fleet) -> str:
    """What could not be made, and what became of the rest; "" where everything was."""
    return "".join(f"{line}\n" for line in _faults(fleet))


def _lines(fleet: Fleet, *, colour: bool) -> Iterator[str]:
    bold, off = ("\033[1m", "\033[0m") if colour else ("", "")
    if fleet.shard is not None:
        yield f"part {fleet.shard[0]} of {fleet.shard[1]}: {_count(len(fleet.made) + len(fleet.failed), 'image')}"
    total = fleet.together
    if total is None:
        for one in fleet.made[:_ROWS]:
            yield f"{human(one.size):>9}  in {_count(one.files, 'file')}  {escape(one.member.references[0])}"
        yield from _more(len(fleet.made))
        if fleet.dry_run:
            yield "nothing was written (--dry-run)"
        return
    if not fleet.made:
        return
    yield f"{bold}    alone  adds here  layers  image{off}"
    for one, adds in list(zip(fleet.made, total.pull, strict=True))[:_ROWS]:
        count = max(len(image.layers) for image in one.releases[0].images)
        yield f"{human(_alone(one)):>9}  {human(adds):>9}  {count:>6}  {escape(', '.join(one.member.references))}"
    yield from _more(len(fleet.made))
    yield (
        f"{bold}{_count(len(fleet.made), 'image')} together{off}: {human(total.registry)} in a registry "
        f"({human(total.alone)} one by one), {human(total.node_disk)} unpacked on a node's disk"
    )
    for layer in total.shared[:5]:
        yield f"{human(layer.size):>9}  {layer.digest[:19]} shared by {_count(len(layer.images), 'image')}"
    yield from (
        f"warning: {escape(one.member.name)}: {escape(warning)}" for one in fleet.made for warning in one.warnings
    )


def _faults(fleet: Fleet) -> Iterator[str]:
    for one in fleet.failed:
        yield f"scratchpack: {escape(', '.join(one.member.binaries))}: {escape(one.message)}"
        yield from (f"  {escape(line)}" for line in one.details)
        if one.hint:
            yield f"hint: {escape(one.hint)}"
    if fleet.failed:
        asked = len(fleet.made) + len(fleet.failed)
        yield f"scratchpack: cannot make {len(fleet.failed)} of {_count(asked, 'image')}"
    for dest in fleet.partial:
        yield f"the others are in {escape(dest)}; what stood at {escape(dest.removesuffix('.partial'))} is as it was"


def _more(count: int) -> Iterator[str]:
    if count > _ROWS:
        yield f"{'':>9}  … and {count - _ROWS} more (--metadata-file FILE lists all)"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _alone(one: Made) -> int:
    layers = {layer.blob.digest: layer.blob.size for image in one.releases[0].images for layer in image.layers}
    return sum(layers.values())


def document(fleet: Fleet) -> dict[str, Any]:
    """What ``--metadata-file`` holds."""
    total = fleet.together
    return {
        "schema": SCHEMA,
        "complete": not fleet.failed,
        "shard": None if fleet.shard is None else f"{fleet.shard[0]}/{fleet.shard[1]}",
        "images": [_image(one, 0 if total is None else total.pull[number]) for number, one in enumerate(fleet.made)],
        "failed": [_failure(one) for one in fleet.failed],
        "together": None
        if total is None
        else {
            "registry_bytes": total.registry,
            "sum_bytes": total.alone,
            "node_disk_bytes": total.node_disk,
            "shared_layers": [
                {"digest": one.digest, "bytes": one.size, "images": list(one.images)} for one in total.shared
            ],
        },
        "outputs": [{"type": r.type, "dest": _legible(r.dest), "digest": r.digest} for r in fleet.receipts],
    }


def _image(one: Made, adds: int) -> dict[str, Any]:
    images = one.releases[0].images if one.releases else ()
    return {
        "name": one.member.name,
        "binaries": [_legible(path) for path in one.member.binaries],
        "references": list(one.member.references),
        "digest": one.releases[0].top.digest if one.releases else None,
        "files": one.files,
        "size": one.size,
        "compressed_bytes": _alone(one) if one.releases else None,
        "pull_bytes": adds if one.releases else None,
        "platforms": [
            {
                "platform": str(image.platform),
                "digest": image.manifest_blob.digest,
                "config_digest": image.config_blob.digest,
                "layers": [
                    {
                        "diff_id": layer.diff_id,
                        "digest": layer.blob.digest,
                        "size": layer.blob.size,
                        "uncompressed_size": layer.uncompressed_size,
                    }
                    for layer in image.layers
                ],
            }
            for image in images
        ],
        "warnings": list(one.warnings),
    }


def _failure(one: Failure) -> dict[str, Any]:
    return {
        "name": one.member.name,
        "binaries": [_legible(path) for path in one.member.binaries],
        "references": list(one.member.references),
        "message": one.message,
        "details": list(one.details),
        "hint": one.hint or None,
        "exit_code": one.exit_code,
    }


def _legible(path: str) -> str:
    from scratchpack import foreign

    return foreign.legible(path)
