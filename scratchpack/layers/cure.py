"""Who made each layer, and how the Dockerfile would be written so that it hides nothing (W3): the config's history goes in, sentences come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.layers.versions import Cause
from scratchpack.pattern import pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scratchpack.foreign import Value
    from scratchpack.layers.waste import Dead

# what the classic builder, BuildKit and buildah write into created_by around the instruction itself
_NOP = pattern(r"(?:\|\d+ .*?)?(?:/bin/sh -c )?#\(nop\)\s*(.*)")
_ARGS = pattern(r"\|\d+ .*?(?=/bin/sh -c )")
_WORD = pattern(r"(?:ADD|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|LABEL|RUN|USER|VOLUME|WORKDIR) .*")


def instructions(history: Value, layers: int) -> tuple[str, ...]:
    """``created_by`` of each layer, as it is written; empty where the config does not say, or tells of another number of layers.

    Raises:
        InputError: an entry is no object, or a field of it has another type.
    """
    made = [one.get("created_by").text() for one in history.items() if not one.get("empty_layer").flag()]
    return tuple(made) if len(made) == layers else ("",) * layers


def spoken(created_by: str) -> str:
    """The instruction as a Dockerfile has it: builders write ``/bin/sh -c #(nop) COPY …`` and ``|1 A=b /bin/sh -c …``."""
    text = " ".join(created_by.split()).removesuffix(" # buildkit")
    if found := _NOP.fullmatch(text):
        return found[1].strip()
    text = _ARGS.sub("", text, count=1) if text.startswith("|") else text.replace("RUN |", "|", 1)
    if text.startswith("|"):
        text = _ARGS.sub("", text, count=1)
    if _WORD.fullmatch(text):
        return text.replace("RUN /bin/sh -c ", "RUN ", 1)
    return "RUN " + text.removeprefix("/bin/sh -c ") if text.startswith("/bin/sh -c ") else text


def cure(dead: Dead, made_by: Sequence[str], base: int) -> str:
    """How these bytes would not be there.

    Args:
        dead: whose bytes.
        made_by: the instruction of each layer, as :func:`spoken` gives it.
        base: how many of the lowest layers are those of a base.
    """
    copied = made_by[dead.layer].startswith(("COPY ", "ADD "))
    if dead.layer == dead.by_layer:
        return "the layer itself has the file more than once: build it again with another builder"
    if dead.layer < base <= dead.by_layer:
        return _over_the_base(dead)
    match dead.cause:
        case Cause.DELETED if copied:
            return "do not copy it: name it in .dockerignore, or copy only what stays, from a build stage"
        case Cause.DELETED:
            return f"remove it in the RUN that makes it: … && rm -rf {dead.by_path}"
        case Cause.REPLACED:
            return f"make it once: leave it out of {_named(dead.layer)}, or write it there as it is in the end"
        case Cause.METADATA_ONLY if copied:
            return f"give it its mode and owner as it is copied: COPY {_flags(dead)}, and drop it from {_named(dead.by_layer)}"
        case Cause.METADATA_ONLY:
            return f"set its mode, owner and attributes in the instruction that makes it, {_named(dead.layer)}"
    return f"leave it alone in {_named(dead.by_layer)}: it is written again, and nothing but its time differs"


def _over_the_base(dead: Dead) -> str:
    if dead.cause is Cause.DELETED:
        return "the base brings it, and removing it saves nothing: take a smaller base"
    if dead.cause is Cause.REPLACED:
        return "the base brings it: take a base that has it as it is in the end, or none"
    return f"the base brings it: do not touch it in {_named(dead.by_layer)}, or change it in the base itself"


def _named(layer: int) -> str:
    return f"layer {layer + 1}"


def _flags(dead: Dead) -> str:
    uid, gid = dead.owner
    return f"--chmod={dead.mode:04o} --chown={uid}:{gid}" if dead.mode >= 0 else "--chmod=MODE --chown=UID:GID"
