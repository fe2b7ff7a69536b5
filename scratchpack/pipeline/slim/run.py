"""One run of ``slim``: an image argument and a request go in; for each platform what the image starts is planned and written as ``pack`` does it.

Nothing of the image is extracted or executed, unless a traced run is asked for.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from scratchpack.errors import OutputError, UsageError
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
    from collections.abc import Callable, Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.elf.machines import Platform
    from scratchpack.oci.source import StoredImage
    from scratchpack.pipeline.model import Plan
    from scratchpack.pipeline.runs.expectation import Rehearsal
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
    rehearsal: Rehearsal | None = None,
) -> Slimmed:
    """Do what was asked for, as :func:`slim` does; ``settings`` is the settings file that was read.

    With a ``rehearsal`` the image's program is run first, in the whole image: it shows what it opens, and the result is run as the proof.
    """
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
            replan = partial(_replanned, image, roots[-1])
            (plan,) = replan(wanted)
            if rehearsal is not None or asked.trace_from:
                plan = _traced(plan, wanted, roots[-1], root, rehearsal, replan, stack)
            plans.append(plan)
            before.append(_before(image, subject, root))
        packed = write_plans(tuple(plans), wanted, name, inputs, roots, lock=lock, progress=progress)
        return Slimmed(packed, tuple(before))


def _replanned(image: StoredImage, roots: Inside, asked: Request) -> tuple[Plan, ...]:
    return (plan_image(image.config, image.platform, roots, asked),)


def _traced(
    plan: Plan,
    asked: Request,
    roots: Inside,
    root: LayerRoot,
    rehearsal: Rehearsal | None,
    replan: Callable[[Request], tuple[Plan, ...]],
    stack: contextlib.ExitStack,
) -> Plan:
    """The plan with what runs opened. For a run of its own the image is unpacked into a directory that goes away with the run (W30)."""
    from scratchpack.pipeline.runs.traced import with_traces

    if rehearsal is None:
        return with_traces((plan,), asked, roots, None, replan=replan)[0]
    import tempfile

    from scratchpack.sandbox.tree import fill

    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="scratchpack-slim-", ignore_cleanup_errors=True))
    tree = os.path.join(home, "root")
    os.mkdir(tree)
    try:
        left_out = fill(tree, root.history)
    except OSError as error:
        raise OutputError(
            f"cannot unpack {root.name} to run it: {error.strerror}", hint="set TMPDIR to a directory with room"
        ) from error

    def again(request: Request) -> tuple[Plan, ...]:
        return replan(request._replace(root=None))

    (made,) = with_traces((plan,), asked._replace(root=tree), roots, rehearsal, replan=again)
    return made._replace(warnings=(*made.warnings, *left_out))


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
