"""Which images a fleet has: names on the command line, or the tables of a fleet file, become members with a name each.

``{name}`` in ``--tag`` is the name of the member's (first) binary, trimmed to what an image may be called.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from scratchpack.config import Options
from scratchpack.config.options import RUN
from scratchpack.errors import ScratchpackError, UsageError
from scratchpack.pipeline.fleet.model import FleetMember
from scratchpack.request import request
from scratchpack.request.model import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PLACE = "{name}"


def members(
    listed: Iterable[tuple[tuple[str, ...], Options]],
    environ: Mapping[str, str],
    *,
    shard: tuple[int, int] | None = None,
) -> tuple[FleetMember, ...]:
    """One member for each set of binaries and its options, checked; with ``shard`` those of that part alone (W40).

    Raises:
        UsageError: a value that is none, naming the member; two members of one reference, naming both.
    """
    found: list[FleetMember] = []
    owners: dict[str, FleetMember] = {}
    problems: list[str] = []
    for binaries, options in listed:
        member = _member(binaries, options, environ)
        for reference in member.references:
            other = owners.setdefault(reference, member)
            if other is not member:
                problems.append(f"{reference}: {', '.join(other.binaries)} and {', '.join(binaries)}")
        found.append(member)
    if problems:
        raise UsageError(
            "cannot give two images one name",
            details=tuple(problems),
            hint="name each with {name} in --tag, or with tag = in a fleet file; leave out what is listed twice",
        )
    return tuple(member for member in found if shard is None or part_of(member.references[0], shard[1]) == shard[0])


def part_of(name: str, parts: int) -> int:
    """Which of so many parts an image belongs to, from 1 on; a hash, so that machines agree without a list (W40)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % parts + 1


def each(binaries: Sequence[str], options: Options) -> list[tuple[tuple[str, ...], Options]]:
    """``--each``: one image of each binary.

    Raises:
        UsageError: a tag that would be that of all of them.
    """
    for tag in (options.tag,) if isinstance(options.tag, str) else options.tag:
        if PLACE not in tag:
            raise UsageError(
                f"cannot give every image the name {tag}", hint=f"put {PLACE} into it: -t {_with_place(tag)}"
            )
    return [((binary,), options) for binary in binaries]


def _with_place(tag: str) -> str:
    head, _, tail = tag.rpartition("/")
    version = tail.partition(":")[2]
    return f"{head + '/' if head else ''}{PLACE}{':' + version if version else ''}"


def _member(binaries: tuple[str, ...], options: Options, environ: Mapping[str, str]) -> FleetMember:
    from scratchpack.oci.reference import from_file_name

    default = str(from_file_name(os.path.basename(binaries[0])))
    name = default.rpartition("/")[2].partition(":")[0]
    own = options._replace(
        **{field: Options._field_defaults[field] for field in RUN},  # those are the run's
        layers=options.layers or SHARED,
        tag=tuple(
            tag.replace(PLACE, name) for tag in ((options.tag,) if isinstance(options.tag, str) else options.tag)
        ),
    )
    try:
        asked = request(own, "pack", environ)
    except ScratchpackError as error:
        error.message = f"{binaries[0]}: {error.message}"
        raise
    if asked.onto is not None:
        raise UsageError(
            f"cannot pack {binaries[0]} onto {asked.onto} in a fleet: a fleet's layers stand on nothing",
            hint="pack it by itself: scratchpack pack --onto",
        )
    if own.env:  # -e NAME takes the value from here, wherever the image is made
        own = own._replace(env=tuple(f"{key}={value}" for key, value in asked.env))
    return FleetMember(name, binaries, asked.tag or (default,), own)
