"""One run of ``slim``: an image argument and a request go in; for each platform what the image starts is planned and written as ``pack`` does it.

Nothing of the image is extracted or executed, unless a traced run is asked for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.images.held import held
from scratchpack.images.open import open_image, short_name, understand
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.source import read_images
from scratchpack.pipeline.collisions import UsedPath, inputs_of, outputs_of, refuse_collisions
from scratchpack.pipeline.pack import write_plans
from scratchpack.pipeline.settings import placed_outputs
from scratchpack.pipeline.slim.model import Before, Slimmed
from scratchpack.pipeline.slim.plan import Inside, plan_image
from scratchpack.request import request
from scratchpack.sysroot.dirroot import DirRoot
from scratchpack.sysroot.layerroot import LayerRoot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.elf.machines import Platform
    from scratchpack.oci.source import StoredImage
    from scratchpack.pipeline.writer import Step
    from scratchpack.request.model import Request


def slim(
    image: str,
    options: Options | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    unpacked: int | None = None,
    progress: Step | None = None,
) -> Slimmed:
    """Write the image that ``pack`` would have made of what an image starts.

    Args:
        image: an archive or a layout, ``docker:REF``, ``podman:REF``, ``containerd:REF``, or a reference of a registry.
        options: as on the command line; they go before what the image says.
        environ: where ``SOURCE_DATE_EPOCH`` and ``env="NAME"`` are looked up; ``os.environ`` where it is not given.
        unpacked: bytes that the layers of one platform may unpack to; ``None`` for 256 MiB and 100 times what is stored.
        progress: is called with (what, bytes done, bytes in all).

    Raises:
        ScratchpackError: of the kinds in :mod:`scratchpack.errors`; nothing was published then.
    """
    return carry_out(image, request(options, "slim", environ), unpacked=unpacked, progress=progress)


def carry_out(
    subject: str,
    asked: Request,
    *,
    settings: str | None = None,
    unpacked: int | None = None,
    progress: Step | None = None,
) -> Slimmed:
    """Do what was asked for, as :func:`slim` does; ``settings`` is the settings file that was read."""
    if asked.sbom is not None:
        from scratchpack import sbom

        sbom.require()
    name = f"{short_name(subject)}-slim"
    inputs = [*inputs_of((), asked, settings)]
    if understand(subject).kind == "path":
        inputs.append(UsedPath(subject, "the image"))
    refuse_collisions(inputs, outputs_of(asked, placed_outputs(asked, name), name))
    lock = None
    if asked.locked is not None and not asked.update_lock:
        from scratchpack.pipeline.lock import read_lock

        lock = read_lock(asked.locked)
    hosts = {"insecure": asked.insecure_registry, "token_servers": asked.token_server}
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_image(subject, **hosts, unpacked=unpacked))
        host = stack.enter_context(contextlib.closing(DirRoot("/")))
        wanted = asked._replace(platform=())
        plans, roots, before = [], [], []
        for image in chosen(read_images(store), asked.platform, subject):
            budget = UnpackBudget(subject, unpacked)
            for number, (blob, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True)):
                held(blob, diff_id, f"layer {number + 1} of {subject}", budget)
            root = stack.enter_context(
                LayerRoot([blob.open for blob in image.layers], name=subject, limit=budget.allowed)
            )
            roots.append(Inside(root, host))
            plans.append(plan_image(image.config, image.platform, roots[-1], wanted))
            before.append(_before(image, subject, root))
        packed = write_plans(tuple(plans), wanted, name, inputs, roots, lock=lock, progress=progress)
        return Slimmed(packed, tuple(before))


def chosen(images: Sequence[StoredImage], wanted: Sequence[Platform], subject: str) -> tuple[StoredImage, ...]:
    """One image a platform, in the order of ``--platform`` where it is given.

    Raises:
        UsageError: a platform that is not there, or several images of one.
    """
    by_platform: dict[Platform, list[StoredImage]] = {}
    for image in images:
        by_platform.setdefault(image.platform, []).append(image)
    for platform, several in by_platform.items():
        if len(several) > 1:
            raise UsageError(
                f"cannot choose among {len(several)} images of {platform} in {subject}",
                details=tuple(", ".join(image.references) or image.digest for image in several),
                hint="save the one that is meant into an archive of its own",
            )
    if not wanted:
        return tuple(several[0] for several in by_platform.values())
    found = []
    for asked in wanted:
        there = [one for one in by_platform if asked == (one if asked.variant else one._replace(variant=""))]
        if not there:
            raise UsageError(
                f"cannot take --platform {asked} of {subject}: it is for " + ", ".join(sorted(map(str, by_platform)))
            )
        found += [by_platform[one][0] for one in there]
    return tuple({id(one): one for one in found}.values())


def _before(image: StoredImage, subject: str, root: LayerRoot) -> Before:
    name = image.references[0] if image.references else subject
    size = sum(layer.size for layer in root.history.layers)
    return Before(name, str(image.platform), len(image.layers), size, sum(blob.size for blob in image.layers))
