"""One image's work as text: what is to be made goes to a process of this machine or of another, and nothing but values travels (W41).

Both sides take the other's document for a stranger's: every field is read by its kind, every digest is computed again where its bytes
are, and settings pass through :func:`scratchpack.request.request` as a person's do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from scratchpack import foreign
from scratchpack.config import NAMES, Options
from scratchpack.config.options import RUN
from scratchpack.errors import InputError

if TYPE_CHECKING:
    from scratchpack.foreign import Value

FORMAT = 1


class Built(NamedTuple):
    """A compression in which an image is wanted."""

    compression: str
    level: int | None


class Push(NamedTuple):
    """How the process that makes an image pushes it."""

    insecure: tuple[str, ...]
    token_servers: tuple[str, ...]


class Task(NamedTuple):
    """One image that is to be made."""

    maker: str  # what makes its bytes: versions of ours and of the compressors; another maker's layers would be others
    directory: str  # what relative names are relative to
    epoch: str  # SOURCE_DATE_EPOCH, "" where it is not set
    binaries: tuple[str, ...]
    references: tuple[str, ...]
    options: Options
    builds: tuple[Built, ...]
    shelf: str  # the directory where the run's processes build their layers; "": nobody else needs them
    push: Push | None
    outputs: tuple[str, ...] = ()  # what the run writes: nothing that is packed may stand there


def maker() -> str:
    """What the bytes of a layer depend on besides its files: equal on two machines, and they make equal layers (W10)."""
    from scratchpack import __version__
    from scratchpack.oci.compress import DEFAULT_LEVEL, compressor

    said = [f"scratchpack {__version__}"]
    for kind, level in DEFAULT_LEVEL.items():
        press = compressor(kind, level, lambda _: None, 1)
        press.close()
        said.append(press.identity or kind)
    return "; ".join(said)


def written(task: Task) -> str:
    """A task as text."""
    given = zip(Options._fields, task.options, Options(), strict=True)
    return json.dumps({
        "format": FORMAT,
        "maker": task.maker,
        "directory": task.directory,
        "epoch": task.epoch,
        "binaries": list(task.binaries),
        "references": list(task.references),
        "settings": {name: value for name, value, default in given if value != default},
        "builds": [[build.compression, build.level or 0] for build in task.builds],
        "shelf": task.shelf,
        "push": None if task.push is None else [list(task.push.insecure), list(task.push.token_servers)],
        "outputs": list(task.outputs),
    })  # fmt: skip


def read(text: str) -> Task:
    """A task, read.

    Raises:
        InputError: it is none, or another release's.
    """
    value = foreign.json_document(text, _fault)
    if value["format"].number() != FORMAT:
        raise _fault("it is another release's")
    builds = tuple(_built(build) for build in value["builds"].items())
    push = value.get("push")
    hosts = [hosts.texts() for hosts in push.items()]
    if len(hosts) not in {0, 2}:
        raise push.wrong("two lists of hosts are meant")
    return Task(
        value["maker"].text(),
        value["directory"].text(),
        value["epoch"].text(),
        value["binaries"].texts(),
        value["references"].texts(),
        _options(value["settings"]),
        builds,
        value["shelf"].text(),
        Push(*hosts) if hosts else None,
        value["outputs"].texts(),
    )


def _built(value: Value) -> Built:
    kind, level = value.items()
    return Built(kind.text(), level.number(0, 99) or None)


def _options(settings: Value) -> Options:
    given: dict[str, Any] = {}
    for field, value in settings.members():
        setting = NAMES.get(field.replace("_", "-"))
        if setting is None or field in RUN or "pack" not in setting.takes:
            raise settings.wrong(f"{field[:60]!a} is no setting of an image")
        if setting.kind == "flag":
            given[field] = value.flag()
        else:
            given[field] = value.texts() if setting.many else value.text()
    return Options(**given)


def _fault(why: str) -> InputError:
    return InputError(f"cannot read what is to be made: {why}")
