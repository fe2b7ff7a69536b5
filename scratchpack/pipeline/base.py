"""``pack --onto BASE``: a base image and a request go in; out come plans that add to the base only what it lacks.

Everything is resolved in the base with the source root shining through: the base's loader and libraries serve where they can, and
their symbol versions are checked as any. The base's layers go into the result as they are stored.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from scratchpack import foreign
from scratchpack.errors import InputError, UsageError
from scratchpack.images.held import as_layer, held, stated_layer
from scratchpack.images.launch import launch
from scratchpack.images.open import open_image, understand
from scratchpack.layers.cure import instructions
from scratchpack.oci.budget import UnpackBudget
from scratchpack.oci.source import read_images
from scratchpack.pipeline.locate import locate
from scratchpack.pipeline.plan import planned_programs
from scratchpack.pipeline.platforms import platform_of
from scratchpack.record import NamedTuple
from scratchpack.rootfs import RANK_GENERATED, Directory, File, Rootfs, Symlink
from scratchpack.sysroot.layerroot import LayerRoot
from scratchpack.sysroot.union import UnionRoot

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Mapping, Sequence

    from scratchpack.oci.model import ImageConfig, Layer
    from scratchpack.oci.source import StoredImage
    from scratchpack.pipeline.model import Plan, Program, Rooted
    from scratchpack.request.model import Request
    from scratchpack.rootfs import Entry
    from scratchpack.sysroot.model import Sysroot


class _Roots(NamedTuple):
    root: Sysroot
    host: Sysroot


def planned_onto(
    binaries: Sequence[str], asked: Request, roots: Rooted, stack: contextlib.ExitStack
) -> tuple[Plan, ...]:
    """Plan what was asked for on its base; the plans can be read until ``stack`` is closed.

    Raises:
        UsageError: the base is not for this platform, or has something else where a file belongs.
        ClosureError: the base's loader would not start it, for want of a symbol version for example.
    """
    base = asked.onto or ""
    found = [locate(binary, roots.host, roots.root, dict(asked.env).get("PATH")) for binary in binaries]
    platforms = {platform_of(one.programs[0]) for one in found}
    if len(platforms) > 1:
        raise UsageError("cannot pack several platforms onto a base at once", hint="pack each platform by itself")
    (platform,) = platforms
    images = read_images(
        stack.enter_context(open_image(base, insecure=asked.insecure_registry, token_servers=asked.token_server))
    )
    image = next((one for one in images if _fits(one, platform.architecture)), None)
    if image is None:
        there = ", ".join(sorted(str(one.platform) for one in images))
        raise UsageError(f"cannot pack onto {base}: the program is for {platform}, and it is for {there}")
    budget = UnpackBudget(base)
    for number, (blob, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True)):
        held(blob, diff_id, f"layer {number + 1} of {base}", budget)
    below = stack.enter_context(LayerRoot([blob.open for blob in image.layers], name=base, limit=budget.allowed))
    own = frozenset(program.node.canonical for one in found for program in one.programs if not program.asked_by)
    union = UnionRoot(below, roots.root, own)
    located = [one._replace(programs=tuple(_seen(program, roots, union) for program in one.programs)) for one in found]
    joined = _with_base(asked, image.config, below)
    (plan, *_) = planned_programs(located, joined, _Roots(union, roots.host))
    rootfs, warnings = _added(plan.rootfs, below, base)
    size = [layer.size for layer in below.history.layers]
    registry = understand(base).kind == "registry"
    layers: list[Layer] = []
    for number, (blob, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True)):
        layers.append(stated_layer(blob, diff_id, size[number]) if registry else as_layer(blob, diff_id, size[number]))
    note = (
        f"on {base}: {len(layers)} layer{'s' * (len(layers) != 1)} of it stay as they are, and what it has is not added"
    )
    return (
        plan._replace(
            rootfs=rootfs,
            config=_config(plan.config._replace(platform=image.platform), image, asked),
            platform=image.platform,
            warnings=(*plan.warnings, *warnings),
            notes=(*plan.notes, note),
            below=tuple(layers),
        ),
    )


def _fits(image: StoredImage, architecture: str) -> bool:
    return image.platform.architecture == architecture


def _seen(program: Program, roots: Rooted, union: UnionRoot) -> Program:
    """A program that keeps its path, as it stands in both roots together."""
    node = union.lookup(program.path) if program.keeps_path and program.root is roots.root else None
    return program if node is None else program._replace(root=union, node=node)


def _with_base(asked: Request, config: Mapping[str, Any], below: LayerRoot) -> Request:
    """What the loader and the needs must know of the base's configuration: variables, and who runs."""
    start = launch(config, below)
    said = foreign.Value(dict(config), InputError).get("config")
    variables = dict(text.partition("=")[::2] for text in said.get("Env").texts())
    made = asked._replace(env=tuple({**variables, **dict(asked.env)}.items()))
    if asked.user is None and said.get("User").text():
        made = made._replace(user=f"{start.user.uid}:{start.user.gid}")
    return made


def _config(planned: ImageConfig, image: StoredImage, asked: Request) -> ImageConfig:
    """As ``FROM`` has it: everything of the base but its command and its triggers, where nothing else is said."""
    run = foreign.Value(dict(image.config), InputError).get("config")
    raw: dict[str, Any] = run.as_object()
    rest = {name: raw[name] for name in ("Healthcheck", "Shell") if raw.get(name) is not None}
    if planned.healthcheck is not None:
        rest.pop("Healthcheck", None)
    told = instructions(foreign.Value(image.config, InputError).get("history"), len(image.layers))
    return planned._replace(
        user=run.get("User").text() or planned.user if asked.user is None else planned.user,
        working_dir=planned.working_dir or run.get("WorkingDir").text(),
        exposed_ports=tuple(
            dict.fromkeys((*(n for n, _ in run.get("ExposedPorts").members()), *planned.exposed_ports))
        ),
        volumes=tuple(dict.fromkeys((*(n for n, _ in run.get("Volumes").members()), *planned.volumes))),
        labels=tuple({**run.get("Labels").table(), **dict(planned.labels)}.items()),
        stop_signal=planned.stop_signal or run.get("StopSignal").text(),
        carried=rest,
        history=tuple(text or f"layer {number + 1} of the base" for number, text in enumerate(told)),
    )


def _added(rootfs: Rootfs, below: LayerRoot, base: str) -> tuple[Rootfs, list[str]]:
    """The entries that the base lacks; directories of the base that hold them are stated as the base has them."""
    warnings: list[str] = []
    kept: list[Entry] = []
    for entry in rootfs:
        node = below.lookup(entry.path, follow=False)
        if node is not None and node.canonical != entry.path:
            raise UsageError(f"cannot add {entry.path} to {base}: a link of it leads to {node.canonical}")
        if node is None:
            kept.append(entry)
            continue
        match entry:
            case Directory():
                if node.kind != "directory":
                    raise UsageError(f"cannot add the directory {entry.path} to {base}: it has a {node.kind} there")
                if any(reason.kind == "option" for reason in entry.because):
                    kept.append(entry)
            case Symlink():
                if node.target != entry.target:
                    raise UsageError(f"cannot add the link {entry.path} to {base}: it has something else there")
            case File():
                if entry.source.identity == ("node", node.inode) or entry.rank == RANK_GENERATED:
                    continue
                if node.kind == "directory":
                    raise UsageError(f"cannot add {entry.path} to {base}: it has a directory there")
                warnings.append(f"{entry.path} takes the place of another file of {base}")
                kept.append(entry)
    paths = {entry.path for entry in kept}
    stated = [
        Directory(path, node.mode, node.uid, node.gid)
        for path in dict.fromkeys(above for entry in kept for above in _above(entry.path))
        if path not in paths and (node := below.lookup(path)) is not None and node.canonical == path
    ]
    return Rootfs([*kept, *stated]), warnings


def _above(path: str) -> Iterator[str]:
    while (path := posixpath.dirname(path)) != "/":
        yield path
