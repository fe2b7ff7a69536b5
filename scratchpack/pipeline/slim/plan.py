"""One image as a plan: its config and its layers go in; what it starts, resolved inside those layers, comes out as ``pack`` plans it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scratchpack.images.launch import launch
from scratchpack.pipeline.plan import planned_programs
from scratchpack.pipeline.slim.carried import carried, restored
from scratchpack.pipeline.slim.starts import starts
from scratchpack.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.elf.machines import Platform
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request
    from scratchpack.sysroot.model import Sysroot


class Inside(NamedTuple):
    """An image as the root of a plan; ``host`` is where relative names of options stand."""

    root: Sysroot
    host: Sysroot


def plan_image(
    config: Mapping[str, Any], platform: Platform, roots: Inside, asked: Request, *, strict: bool = True
) -> Plan:
    """Plan what an image starts.

    Args:
        config: the image's whole config document.
        platform: of the image, which its plan keeps.
        roots: the image.
        asked: what the user says, which goes before what the image says.
        strict: as :func:`scratchpack.pipeline.plan.planned` has it.

    Raises:
        UsageError: a value that cannot be, a user by a name that the image does not know.
        InputError: nothing is started, or what cannot be packed.
        ClosureError: the image's loader would not start it.
        NeedError: a need cannot be provided from the image.
    """
    joined = carried(config, asked, roots.root)
    wanted = joined.asked
    run: Mapping[str, Any] = config.get("config") or {}
    said = {**run, "Entrypoint": list(wanted.entrypoint or ()), "Cmd": list(wanted.cmd)}
    said |= {
        "Env": [f"{name}={value}" for name, value in wanted.env],
        "WorkingDir": wanted.workdir,
        "User": wanted.user,
    }
    start = launch({"config": said}, roots.root)
    found = starts(start, [joined.health] if joined.health else [], roots)
    (made, *_) = planned_programs(found.located, wanted, roots, strict=strict)
    return made._replace(
        platform=platform,
        config=restored(config, made.config._replace(platform=platform)),
        warnings=tuple(dict.fromkeys((*found.notes, *start.problems, *made.warnings))),
    )
