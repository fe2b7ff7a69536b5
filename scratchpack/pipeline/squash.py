"""``squash``: an image argument goes in; the same files in fewer layers come out, with what no other image can share any more (W22).

A copy that differs from a lower file in nothing but metadata is folded into that file's layer. Where such copies are all that the
image hides, its other layers stay; else everything becomes one layer, or one above ``--onto``.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError, UsageError
from scratchpack.images.held import as_layer, held
from scratchpack.images.open import open_image, short_name, understand
from scratchpack.layers.history import History
from scratchpack.layers.squash import Kept, fold, onto, whole
from scratchpack.layers.waste import waste
from scratchpack.layers.written import layer_stream
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.model import ImageConfig
from scratchpack.oci.source import read_images
from scratchpack.pipeline.collisions import UsedPath, outputs_of, refuse_collisions
from scratchpack.pipeline.pack import references_of
from scratchpack.pipeline.settings import placed_outputs
from scratchpack.pipeline.slim.run import chosen
from scratchpack.pipeline.writer import Writer
from scratchpack.request import request
from scratchpack.request.model import TREES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scratchpack.config import Options
    from scratchpack.layers.squash import NewLayer
    from scratchpack.oci.model import Image, Layer, Release
    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.writer import Step
    from scratchpack.request.model import Request
    from scratchpack.sinks.model import Receipt

CREATED_BY = "scratchpack squash"


class SquashedImage(NamedTuple):
    """One platform, before and after. Sizes are of uncompressed layers but for ``lost``, which are as a registry keeps them."""

    reference: str
    platform: str
    before: tuple[int, int]  # layers, and bytes of their tars
    after: tuple[int, int]  # layers, and bytes of the files in them; above a base those of the base are not counted
    hidden: int  # bytes of files that the image hid
    still_hidden: int  # of them, those in layers of the base
    kept: int  # layers that stayed as they were
    lost: tuple[int, int]  # layers that this image can share with no other any more, and their bytes
    folded: bool  # only copies were hidden, and the layers stayed


class Squashed(NamedTuple):
    """What one run wrote."""

    images: tuple[SquashedImage, ...]
    release: Release | None
    references: tuple[str, ...]
    receipts: tuple[Receipt, ...]
    base: str | None = None


class _Step(NamedTuple):
    """One platform ready to be built."""

    image: StoredImage
    history: History
    layers: tuple[NewLayer | Kept, ...]
    below: tuple[StoredImage, History] | None
    folded: bool = False


def squash(
    image: str,
    options: Options | None = None,
    *,
    base: str | None = None,
    environ: Mapping[str, str] | None = None,
    unpacked: int | None = None,
    progress: Step | None = None,
) -> Squashed:
    """Write the same files in fewer layers.

    Args:
        image: an archive or a layout, ``docker:REF``, ``podman:REF``, ``containerd:REF``, or a reference of a registry.
        options: where it goes, as on the command line.
        base: likewise an image, whose layers stay the lowest, untouched.
        environ: where ``SOURCE_DATE_EPOCH`` is looked up; ``os.environ`` where it is not given.
        unpacked: bytes that the layers of one platform may unpack to; ``None`` for 256 MiB and 100 times what is stored.
        progress: is called with (what, bytes done, bytes in all).

    Raises:
        ScratchpackError: of the kinds in :mod:`scratchpack.errors`; nothing was published then.
    """
    return carry_out(image, request(options, "squash", environ), base=base, unpacked=unpacked, progress=progress)


def carry_out(
    subject: str,
    asked: Request,
    *,
    base: str | None = None,
    settings: str | None = None,
    unpacked: int | None = None,
    progress: Step | None = None,
) -> Squashed:
    """Do what was asked for, as :func:`squash` does; ``settings`` is the settings file that was read."""
    name = f"{short_name(subject)}-squashed"
    wanted = placed_outputs(asked, name)
    if tree := next((output for output in wanted if output.type in TREES), None):
        raise UsageError(f"cannot write -o type={tree.type} of an image's layers: it is for what is packed", hint="write type=docker or type=oci")  # fmt: skip
    inputs = [UsedPath(one, what) for one, what in ((subject, "the image"), (base, "--onto")) if one and understand(one).kind == "path"]  # fmt: skip
    inputs += [UsedPath(settings, "the settings file")] if settings is not None else []
    refuse_collisions(inputs, outputs_of(asked, wanted, name))
    hosts = {"insecure": asked.insecure_registry, "token_servers": asked.token_server}
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_image(subject, **hosts, unpacked=unpacked))
        below: tuple[StoredImage, ...] = ()
        if base is not None:
            below = read_images(stack.enter_context(open_image(base, **hosts, unpacked=unpacked)))
        steps = []
        for image in chosen(read_images(store), asked.platform, subject):
            history = _history(stack, image, subject, unpacked)
            if base is None:
                folded = fold(history)
                steps.append(_Step(image, history, folded or (whole(history),), None, folded is not None))
                continue
            under = next((one for one in below if one.platform == image.platform), None)
            if under is None:
                raise UsageError(f"cannot squash {subject} onto {base}: {base} is not for {image.platform}")
            lower = _history(stack, under, base, unpacked)
            upper = onto(history, lower, same_layers=_same(image.diff_ids, under.diff_ids))
            kept = tuple(Kept(number) for number in range(len(under.layers)))
            steps.append(_Step(image, history, (*kept, upper) if upper else kept, (under, lower)))
        references = references_of(asked, name)
        reports = tuple(_report(step, subject) for step in steps)
        if asked.dry_run:
            return Squashed(reports, None, references, (), base)
        step = progress or (lambda *_: None)
        build = partial(_release, steps, references, dict(asked.annotation.of_manifest), step)
        writer = Writer(build, asked, name, stack, step)
        receipts = writer.write_all(wanted)
        if asked.iidfile is not None and writer.release is not None:
            from scratchpack.pipeline.record import write_text

            write_text(asked.iidfile, writer.release.images[0].config_blob.digest)
        return Squashed(reports, writer.release, references, receipts, base)


def _history(stack: contextlib.ExitStack, image: StoredImage, subject: str, unpacked: int | None) -> History:
    budget = UnpackBudget(subject, unpacked)
    for number, (blob, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True)):
        held(blob, diff_id, f"layer {number + 1} of {subject}", budget)
    return stack.enter_context(History([blob.open for blob in image.layers], name=subject, limit=budget.allowed))


def _same(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many of the lowest layers are the same."""
    count = 0
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            break
        count += 1
    return count


def _report(step: _Step, subject: str) -> SquashedImage:
    image, history = step.image, step.history
    figures = waste(history)
    of_base = step.below is not None
    kept = sum(isinstance(one, Kept) for one in step.layers)
    staying = set(step.below[0].diff_ids) if step.below else {image.diff_ids[one.number] for one in step.layers if isinstance(one, Kept)}  # fmt: skip
    lost = [blob for blob, diff_id in zip(image.layers, image.diff_ids, strict=True) if diff_id not in staying]
    written = {
        placed.version.inode.number: placed.version.inode.record.size
        for one in step.layers
        if not isinstance(one, Kept)
        for placed in one
        if placed.version is not None and placed.version.below is None
    }
    live = sum(written.values()) if of_base else figures.live
    still = sum(one.size for one in figures.dead if one.layer < kept) if of_base else 0
    return SquashedImage(
        image.references[0] if image.references else subject, str(image.platform),
        (len(image.layers), figures.size), (len(step.layers), live), figures.hidden, still, kept,
        (len(lost), sum(blob.size for blob in lost)), step.folded,
    )  # fmt: skip


def _release(
    steps: Sequence[_Step],
    references: tuple[str, ...],
    annotations: Mapping[str, str],
    progress: Step,
    *,
    spool: Spool,
    compression: str,
    level: int | None,
) -> Release:
    from scratchpack.oci.index import make_release
    from scratchpack.oci.layer import press

    images: list[Image] = []
    for step in steps:
        total = sum(layer.size for layer in step.history.layers)
        from_image, from_history = step.below or (step.image, step.history)
        layers: list[Layer] = []
        for one in step.layers:
            if isinstance(one, Kept):
                number = one.number
                size = from_history.layers[number].size
                layers.append(as_layer(from_image.layers[number], from_image.diff_ids[number], size))
            else:
                stream = layer_stream(step.history, one)
                tell = partial(_tell, progress, f"squashing {step.image.platform}", total)
                layers.append(press(stream, spool=spool, compression=compression, level=level, on_progress=tell))
        images.append(_image(step, layers, annotations))
    return make_release(images, references)


def _tell(progress: Step, what: str, total: int, done: int) -> None:
    progress(what, done, max(done, total))


def _image(step: _Step, layers: Sequence[Layer], annotations: Mapping[str, str]) -> Image:
    """The image's own config over other layers; the entries of its history are those of the layers that stay, and one a new one (I8)."""
    from scratchpack.oci.image import restated_image

    document: dict[str, Any] = dict(step.image.config)
    source = step.below[0] if step.below else step.image
    told = _told(source)
    entries: list[Any] = [
        told[one.number] if isinstance(one, Kept) else {"created_by": CREATED_BY} for one in step.layers
    ]
    document["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    document["history"] = entries
    return restated_image(ImageConfig(step.image.platform), document, layers, annotations=annotations)


def _told(image: StoredImage) -> list[Any]:
    """The history entry of each layer; where the config tells of another number of layers, of each that it is one."""
    entries = [
        one.as_object()
        for one in foreign.Value(image.config, InputError).get("history").items()
        if not one.get("empty_layer").flag()
    ]
    return entries if len(entries) == len(image.layers) else [{} for _ in image.layers]
