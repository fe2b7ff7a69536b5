"""From plans to images: layers are cut, written into a spool, compressed and described. Nothing is published here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer
from scratchpack.request.model import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.fleet.shelf import Shelf
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request
    from scratchpack.rootfs import Rootfs

    Step = Callable[[str, int, int], None]


def build_image(
    plan: Plan,
    asked: Request,
    standard: Mapping[str, str],
    *,
    spool: Spool,
    compression: str,
    level: int | None,
    progress: Step,
    shelf: Shelf | None = None,
) -> Image:
    """One platform's image; ``standard`` are the annotations that follow from the binary and its repository.

    With a ``shelf``, a layer that another image of the fleet has is taken from there.

    Raises:
        InputError: a source that changed while it was read (S10), or an entry that no image can carry.
        OutputError: the spool could not be written.
    """
    total = plan.rootfs.size
    before = 0  # bytes of the layers that are done

    def tell(what: str, done: int) -> None:
        progress(what, min(total, before + done), total)

    layers = []
    for rootfs, mtime in _cut(plan, asked):
        build = partial(
            build_layer,
            rootfs,
            compression=compression,
            level=level,
            mtime=mtime,
            on_progress=partial(tell, f"packing {plan.platform}"),
        )
        layers.append(build(spool=spool) if shelf is None else shelf.layer(rootfs, (compression, level, mtime), build))
        before += rootfs.size
    return make_image(
        plan.config, [*plan.below, *layers], annotations={**standard, **dict(asked.annotation.of_manifest)}
    )


def _cut(plan: Plan, asked: Request) -> tuple[tuple[Rootfs, int], ...]:
    """What goes into each layer, and the time of its files: that of a shared one is always 0 (W10)."""
    if asked.layers != SHARED:
        return ((plan.rootfs, asked.mtime),)
    from scratchpack.layers.cut import MAX_LAYERS, cut
    from scratchpack.oci.layer import check_layers

    own = {path for program, path in zip(plan.programs, plan.placed, strict=True) if not program.asked_by}
    parts = cut(plan.rootfs, own, most=max(1, (asked.max_layers or MAX_LAYERS) - len(plan.below)))
    check_layers((*parts.shared, parts.top))
    return (*((rootfs, 0) for rootfs in parts.shared), (parts.top, asked.mtime))


def build_release(
    plans: Sequence[Plan],
    asked: Request,
    references: Sequence[str],
    standard: Sequence[Mapping[str, str]],
    *,
    spool: Spool,
    compression: str,
    level: int | None,
    progress: Step,
    shelf: Shelf | None = None,
) -> Release:
    """Every platform's image under the names, with the annotations that all of them share on the index."""
    index = dict(asked.annotation.of_index)
    if len(plans) > 1:
        from scratchpack.pipeline.annotations import common

        index = {**common(standard), **index}
    images = [
        build_image(
            plan, asked, said, spool=spool, compression=compression, level=level, progress=progress, shelf=shelf
        )
        for plan, said in zip(plans, standard, strict=True)
    ]
    return make_release(images, references, index_annotations=index)
