"""How layers are cut, and how the work of a fleet is dealt out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack import foreign
from scratchpack.errors import UsageError
from scratchpack.pattern import pattern
from scratchpack.request.names import word

if TYPE_CHECKING:
    from scratchpack.request.model import Request

MAX_LAYERS = 125  # I12
MAX_JOBS = 1024
MAX_SHARDS = 100_000
_ADDRESS = pattern(
    r"(?:(?:tcp|tls|ucx|ws|wss|inproc)://)?(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})"
)
_OF_ONE = ("sbom", "iidfile", "locked", "update_lock")  # settings that write or read a file about one image


def layers(text: str) -> str:
    """``--layers``."""
    return word("layers", text)


def max_layers(text: str) -> int:
    """``--max-layers``."""
    return _number("max-layers", text, MAX_LAYERS, "engines stop at 125 layers")


def jobs(text: str) -> int:
    """``--jobs``."""
    return _number("jobs", text, MAX_JOBS, "it takes a number of processes")


def shard(text: str) -> tuple[int, int]:
    """``--shard I/N``: which part, and of how many."""
    first, slash, second = text.partition("/")
    part, parts = foreign.decimal(first, MAX_SHARDS), foreign.decimal(second, MAX_SHARDS)
    if not slash or not part or not parts or part > parts:
        hint = (
            f"parts count from 1: --shard 1/{parts}"
            if part == 0 and parts
            else "write it like 2/4: the second of four parts"
        )
        raise UsageError(f"cannot use --shard {text!r}: it takes I/N, I from 1 to N", hint=hint)
    return part, parts


def scheduler(text: str) -> str:
    """``--scheduler``: the address of a Dask scheduler."""
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[1]) < 65536:
        raise UsageError(
            f"cannot use --scheduler {text!r}: it takes HOST:PORT, or a URL as `dask scheduler` prints it",
            hint="write it like tcp://scheduler.example.com:8786",
        )
    return text if "://" in text else f"tcp://{text}"


def check(asked: Request) -> None:
    """Hold that a fleet is asked for nothing that only one image has.

    Raises:
        UsageError: it is.
    """
    from scratchpack.request.model import TREES

    for field in _OF_ONE:
        if getattr(asked, field):
            raise UsageError(
                f"cannot use --{field.replace('_', '-')} for a fleet: it is about one image",
                hint="--metadata-file says what every image holds; or pack that one by itself",
            )
    tree = next((output for output in asked.output if output.type in TREES), None)
    if tree is not None:
        raise UsageError(
            f"cannot write -o type={tree.type} for a fleet: it has no place for several images",
            hint="a fleet goes into type=docker, type=oci or type=registry, or to --push and --load",
        )
    named = next((output for output in asked.output if output.type == "registry" and output.dest), None)
    if named is not None:
        raise UsageError(
            f"cannot push several images to one name, {named.dest}",
            hint="give each its own: --push -t example.org/{name}:1.0",
        )
    if (
        asked.scheduler is not None
        and not asked.dry_run
        and (
            asked.load or any(output.type != "registry" for output in asked.output) or not (asked.push or asked.output)
        )
    ):
        raise UsageError(
            "cannot use --scheduler without a registry alone: what its workers write, only they have",
            hint="push the images: --push -t registry.example.com/team/{name}:1.0",
        )


def _number(option: str, text: str, most: int, why: str) -> int:
    number = foreign.decimal(text, most)
    if not number:
        raise UsageError(f"cannot use --{option} {text!r}: {why}", hint=f"write a number from 1 to {most}")
    return number
