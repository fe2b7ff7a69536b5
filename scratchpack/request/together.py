"""What options mean to each other: combinations that cannot be, and options that have no effect beside others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import UsageError
from scratchpack.request.model import IMPLIED, SHARED, TREES

if TYPE_CHECKING:
    from scratchpack.request.model import Request


def together(asked: Request) -> Request:
    """The request, ``--force`` given to its outputs, with a note for each option that changes nothing.

    Raises:
        UsageError: a combination that cannot be.
    """
    nameless = any(output.type == "registry" and output.dest is None for output in asked.output)
    if (asked.push or nameless) and not asked.tag and not asked.each:  # each image of a fleet has its own
        raise UsageError("cannot push: no name says where to", hint="name it: -t registry.example.com/team/app:1.0")
    if asked.onto is not None and (tree := next((one for one in asked.output if one.type in TREES), None)):
        raise UsageError(f"cannot write -o type={tree.type} with --onto: a tree has no layers of a base", hint="write type=docker or type=oci")  # fmt: skip
    archive = not asked.output and not asked.load and not asked.push  # <name>.tar is written
    image = archive or asked.load or asked.push or any(output.type not in TREES for output in asked.output)
    if asked.iidfile is not None and not image:
        raise UsageError("cannot write --iidfile: none of the outputs is an image")
    if asked.update_lock and asked.locked is None:
        raise UsageError("cannot use --update-lock without --locked FILE", hint="name the file to write: --locked FILE")
    for option, value in (("--shard", asked.shard), ("--scheduler", asked.scheduler)):
        if value and not asked.each:
            raise UsageError(f"cannot use {option} for one image", hint="it is for a fleet: --each, or a fleet file")
    pushes = asked.push or any(output.type == "registry" for output in asked.output)
    directory = any(output.type in {"local", "dockerfile"} or not output.tar for output in asked.output)
    idle = (
        ("--tag", asked.tag and not image, "none of the outputs is an image"),
        ("--annotation", asked.annotation.of_manifest and not image, "none of the outputs is an image"),
        ("--annotate", asked.annotate and not image, "none of the outputs is an image"),
        ("--insecure-registry", asked.insecure_registry and not pushes, "nothing is pushed"),
        ("--token-server", asked.token_server and not pushes, "nothing is pushed"),
        ("--update-lock", asked.update_lock and asked.dry_run, "nothing is written"),
        ("--jobs", asked.jobs and not asked.each, "one image is made by one process"),
        ("--max-layers", asked.max_layers and asked.layers != SHARED and not asked.each, "it is for --layers shared"),
        ("--force", asked.force and not directory, "no output is a directory, and a file is replaced anyway"),
    )
    off = (
        (
            f"--{field.replace('_', '-')}",
            getattr(asked, field) and asked.need.get(need) == "never",
            f"--need {need}=never",
        )
        for field, need in IMPLIED.items()
    )
    notes = tuple(f"{option} has no effect: {why}" for option, is_idle, why in (*idle, *off) if is_idle)
    forced = tuple(
        output._replace(force=True) if output.type in {"local", "dockerfile"} or not output.tar else output
        for output in asked.output
    )
    return asked._replace(output=forced if asked.force else asked.output, notes=notes)
