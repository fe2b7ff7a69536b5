"""From a request and what was found to what the sinks take: the image configuration, and where each output goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.oci.model import ImageConfig
from scratchpack.request.model import DEFAULT_USER
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.elf.machines import Platform
    from scratchpack.request.model import Request


def image_config(asked: Request, platform: Platform, program: str, env: Mapping[str, str]) -> ImageConfig:
    """The image configuration; ``program`` is the program's path in the image."""
    return ImageConfig(
        platform,
        entrypoint=(program,) if asked.entrypoint is None else asked.entrypoint,
        cmd=asked.cmd,
        env=tuple(env.items()),
        user=DEFAULT_USER if asked.user is None else asked.user,
        working_dir=asked.workdir or "",
        exposed_ports=asked.expose,
        volumes=asked.volume,
        labels=asked.label,
        stop_signal=asked.stop_signal or "",
        healthcheck=asked.healthcheck,
        created=asked.created,
    )


def placed_outputs(asked: Request, name: str) -> tuple[Output, ...]:
    """Every output with its place; without any, and without ``--load`` or ``--push``, ``<name>.tar`` of type docker.

    ``name`` is the program's file name.
    """
    if not asked.output and not asked.load and not asked.push:
        return (Output("docker", f"{name}.tar"),)
    return tuple(
        output if output.dest is not None else output._replace(dest=_default_dest(output, name))
        for output in asked.output
    )


def _default_dest(output: Output, name: str) -> str | None:
    match output.type:
        case "docker" | "tar":
            return f"{name}.tar"
        case "oci":
            return f"{name}.oci.tar" if output.tar else f"{name}.oci"
        case "local":
            return f"{name}.rootfs"
        case "dockerfile":
            return f"{name}.context"
    return None  # registry: the names that the image has
