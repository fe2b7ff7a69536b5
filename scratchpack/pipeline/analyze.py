"""``analyze``: image arguments go in; for each image what its layers hold and waste comes out, and what several take together (W1 to W9).

Layers are read where they are and nothing is extracted (S25). Their bytes are held against their digests first, so that what is
called shared is shared.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from scratchpack import foreign
from scratchpack.errors import InputError, ScratchpackError, UsageError
from scratchpack.images.held import held
from scratchpack.images.open import open_image
from scratchpack.layers.cure import cure, instructions, spoken
from scratchpack.layers.leftovers import Shown, leftovers
from scratchpack.layers.waste import waste
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.source import read_images
from scratchpack.packages import open_database
from scratchpack.pipeline.together import Together, together
from scratchpack.request.model import Request
from scratchpack.sysroot.layerroot import LayerRoot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scratchpack.layers.leftovers import Leftover
    from scratchpack.layers.waste import Dead, LayerWaste, Waste
    from scratchpack.oci.source import StoredImage


class LayerReport(NamedTuple):
    """One layer and where it comes from."""

    digest: str
    diff_id: str
    chain_id: str
    stored: int  # bytes as it is kept: compressed, where it is
    created_by: str  # as the config writes it
    instruction: str  # the same as a Dockerfile has it
    waste: LayerWaste

    @property
    def unpacked(self) -> int:
        """Bytes of its tar."""
        return self.waste.size


class HiddenFile(NamedTuple):
    """A dead file, the instruction that hid it, and the cure (W3)."""

    dead: Dead
    by: str
    cure: str


class LiveFile(NamedTuple):
    """A file that the image shows, for a map of it. ``package`` is empty where none owns it, ``reason`` where what the image starts has none for it."""

    path: str
    size: int
    layer: int
    package: str
    reason: str


class Analysis(NamedTuple):
    """One image."""

    reference: str
    platform: str
    base: str | None
    base_layers: int  # of the lowest layers, those of the base
    layers: tuple[LayerReport, ...]
    waste: Waste
    hidden: tuple[HiddenFile, ...]
    leftovers: tuple[Leftover, ...]
    needed: int | None  # bytes of what the program that it starts needs
    unresolved: str  # why that is not known
    files: tuple[LiveFile, ...]  # live ones; empty unless they were asked for

    @property
    def judged(self) -> Waste:
        """What limits are held against: all, or what stands on the base."""
        return self.waste.above(self.base_layers) if self.base is not None else self.waste


class Analyses(NamedTuple):
    """All images of one run."""

    images: tuple[Analysis, ...]
    together: Together


class _Base(NamedTuple):
    text: str
    images: tuple[StoredImage, ...]


def analyze(
    subjects: Sequence[str],
    asked: Request,
    *,
    base: str | None = None,
    unpacked: int | None = None,
    files: bool = False,
) -> Analyses:
    """Analyze images; nothing of them is executed.

    Args:
        subjects: each an archive or a layout, ``docker:REF``, ``podman:REF``, ``containerd:REF``, or a reference of a registry.
        asked: hosts of registries, as ``verify`` takes them.
        base: likewise, the image that the others are built on.
        unpacked: bytes that the layers of one image may unpack to; ``None`` for 256 MiB and 100 times what is stored.
        files: whether to list the live files, with the packages that own them.

    Raises:
        UsageError: no such image, or one that is not built on the base.
        InputError: an image that is damaged, is not what its digests say, or is beyond a limit.
        RemoteError: an engine or a registry refused.
    """
    hosts = {"insecure": asked.insecure_registry, "token_servers": asked.token_server}
    below = None
    if base is not None:
        with open_image(base, **hosts, unpacked=unpacked) as store:
            below = _Base(base, read_images(store))
    found: list[Analysis] = []
    for subject in subjects:
        with open_image(subject, **hosts, unpacked=unpacked) as store:
            for image in read_images(store):
                name = image.references[0] if image.references else subject
                found.append(_analyze(image, name, below, unpacked, files=files))
    return Analyses(tuple(found), together([(one.reference, one.layers) for one in found]))


def _analyze(image: StoredImage, name: str, base: _Base | None, unpacked: int | None, *, files: bool) -> Analysis:
    depth = 0 if base is None else _depth(image, name, base)
    budget = UnpackBudget(name, unpacked)
    stored = [held(blob, diff_id, f"layer {number + 1} of {name}", budget) for number, (blob, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True))]  # fmt: skip
    created = instructions(foreign.Value(image.config, InputError).get("history"), len(image.layers))
    made_by = tuple(spoken(text) for text in created)
    with LayerRoot([blob.open for blob in image.layers], name=name, limit=budget.allowed) as root:
        measured = waste(root.history)
        needed, why, reasons = _needed(image, root)
        layers = tuple(
            LayerReport(blob.digest, diff_id, chain_id, size, text, instruction, figures)
            for blob, diff_id, chain_id, size, text, instruction, figures in zip(
                image.layers, image.diff_ids, chain_ids(image.diff_ids), stored, created, made_by, measured.layers, strict=True
            )
        )  # fmt: skip
        hidden = tuple(HiddenFile(dead, made_by[dead.by_layer], cure(dead, made_by, depth)) for dead in measured.dead)
        return Analysis(
            name, str(image.platform), None if base is None else base.text, depth, layers, measured, hidden, _leftovers(root), needed, why,
            tuple(_live_files(root, reasons)) if files else (),
        )  # fmt: skip


def chain_ids(diff_ids: Sequence[str]) -> Iterator[str]:
    """The names under which unpacked layers are kept: each stands for a layer and all below it (OCI image specification, "Layer ChainID")."""
    chain = ""
    for diff_id in diff_ids:
        chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else diff_id
        yield chain


def _depth(image: StoredImage, name: str, base: _Base) -> int:
    """How many of the lowest layers are the base's: the common prefix of diff_ids (W6)."""
    depth = 0
    for one in base.images:
        if one.platform == image.platform:
            same = 0
            for ours, theirs in zip(image.diff_ids, one.diff_ids, strict=False):
                if ours != theirs:
                    break
                same += 1
            depth = max(depth, same)
    if not depth and any(one.layers for one in base.images):
        raise UsageError(
            f"cannot take {base.text} as the base of {name} ({image.platform}): they have not even the lowest layer in common",
            hint="name the very image that it was built FROM, of this platform; a tag may have moved since",
        )
    return depth


def _shown(root: LayerRoot) -> Iterator[Shown]:
    seen: set[int] = set()
    for version in root.history.live():
        record = version.inode.record
        if record.kind == "file":
            yield Shown(version.path, 0 if version.inode.number in seen else record.stored, version.inode.layer)
            seen.add(version.inode.number)


def _owners(root: LayerRoot, paths: list[str]) -> dict[str, str]:
    """The packages of those files that one has."""
    try:
        database = open_database(root)
        found = {} if database is None else database.owners(paths)
    except InputError:  # a damaged database says of nothing who installed it
        return {}
    return {path: package.name for path, package in found.items()}


def _live_files(root: LayerRoot, reasons: Mapping[str, str]) -> Iterator[LiveFile]:
    shown = [one for one in _shown(root) if one.size]
    owners = _owners(root, [one.path for one in shown])
    for one in shown:
        yield LiveFile(one.path, one.size, one.layer, owners.get(one.path, ""), reasons.get(one.path, ""))


def _leftovers(root: LayerRoot) -> tuple[Leftover, ...]:
    def owned(paths: list[str]) -> set[str]:
        return set(_owners(root, paths))

    def directory(path: str) -> bool:
        found = root.history.find(path)
        return found is not None and found.below is not None

    return leftovers(_shown(root), directory, owned)


class _Needed(NamedTuple):
    size: int | None
    unresolved: str = ""
    reasons: Mapping[str, str] = {}  # by path


def _needed(image: StoredImage, root: LayerRoot) -> _Needed:
    """What the image's program needs, or why that is not known."""
    from scratchpack.pipeline.slim.plan import Inside, plan_image
    from scratchpack.report.text import because

    try:
        inside = Inside(root, LayerRoot((), name="nothing"))
        plan = plan_image(image.config, image.platform, inside, Request("slim"), strict=False)
    except ScratchpackError as error:
        return _Needed(None, error.message.removeprefix("cannot tell what the image needs: "))
    if plan.errors:
        return _Needed(None, f"{plan.programs[0].path} does not find {plan.errors[0].name}")
    return _Needed(
        plan.rootfs.size, reasons={entry.path: because(entry.because[0]) for entry in plan.rootfs if entry.because}
    )
