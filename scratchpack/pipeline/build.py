"""From plans to images: layers are cut, written into a spool, compressed and described. Nothing is published here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scratchpack.oci.image import make_image
from scratchpack.oci.index import make_release
from scratchpack.oci.layer import build_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.oci.model import Image, Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request

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
) -> Image:
    """One platform's image; ``standard`` are the annotations that follow from the binary and its repository.

    Raises:
        InputError: a source that changed while it was read (S10), or an entry that no image can carry.
        OutputError: the spool could not be written.
    """
    total = plan.rootfs.size

    def tell(what: str, done: int) -> None:
        progress(what, done, total)

    layer = build_layer(
        plan.rootfs,
        spool=spool,
        compression=compression,
        level=level,
        mtime=asked.mtime,
        on_progress=partial(tell, f"packing {plan.platform}"),
    )
    return make_image(plan.config, [*plan.below, layer], annotations={**standard, **dict(asked.annotation.of_manifest)})


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
) -> Release:
    """Every platform's image under the names, with the annotations that all of them share on the index."""
    index = dict(asked.annotation.of_index)
    if len(plans) > 1:
        from scratchpack.pipeline.annotations import common

        index = {**common(standard), **index}
    images = [
        build_image(plan, asked, said, spool=spool, compression=compression, level=level, progress=progress)
        for plan, said in zip(plans, standard, strict=True)
    ]
    return make_release(images, references, index_annotations=index)
