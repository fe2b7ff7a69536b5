"""What a worker does: one task as text goes in, what became of it as text comes out. Whatever goes wrong is an answer, too (W41)."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from scratchpack.errors import InputError, ScratchpackError
from scratchpack.pipeline.fleet.task import Built, Task, maker, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.oci.model import Release
    from scratchpack.oci.spool import Spool
    from scratchpack.pipeline.fleet.shelf import Shelf
    from scratchpack.pipeline.model import Plan
    from scratchpack.request.model import Request


def make(text: str) -> str:
    """Make one image, and push it where that is asked for; the answer is read by :mod:`scratchpack.pipeline.fleet.answer`."""
    try:
        task = read(text)
        _hold_maker(task.maker)
        with _inside(task.directory):
            return json.dumps(_made(task))
    except ScratchpackError as error:
        return json.dumps({"failed": json.loads(error.to_json())})
    except Exception as error:  # noqa: BLE001 - one image's fault of ours is no end of the others
        fault = ScratchpackError(f"a fault of scratchpack itself: {type(error).__name__}: {error}")
        return json.dumps({"failed": json.loads(fault.to_json())})


def _hold_maker(asked: str) -> None:
    """Hold that this process makes the very bytes that the others of the run make (W10)."""
    if asked != maker():
        raise InputError(
            "cannot make the same layers here as elsewhere: this worker has other versions",
            details=(f"asked for: {asked}", f"here: {maker()}"),
            hint="install the same release of scratchpack, and of what it compresses with, for every worker",
        )


def _made(task: Task) -> dict[str, Any]:
    from scratchpack.pipeline.collisions import UsedPath, refuse_replacing_files
    from scratchpack.pipeline.locate import Roots
    from scratchpack.pipeline.plan import planned
    from scratchpack.request import request

    asked = request(task.options, "pack", {"SOURCE_DATE_EPOCH": task.epoch} if task.epoch else {})
    with Roots(asked.root) as roots:
        plans = planned(task.binaries, asked, roots)
        if asked.trace_from:
            from scratchpack.pipeline.runs.traced import with_traces

            plans = with_traces(plans, asked, roots, None, replan=partial(planned, task.binaries, roots=roots))
        for plan in plans:
            refuse_replacing_files([UsedPath(path, "an output") for path in task.outputs], plan.rootfs)
        warnings = [warning for plan in plans for warning in plan.warnings]
        releases, receipts = _released(task, asked, plans)
        return {
            "releases": releases,
            "receipts": receipts,
            "files": sum(len(plan.rootfs) for plan in plans),
            "size": sum(plan.rootfs.size for plan in plans),
            "warnings": [_legible(text) for text in warnings],
        }


def _released(task: Task, asked: Request, plans: tuple[Plan, ...]) -> tuple[list[Any], list[Any]]:
    from scratchpack.oci.spool import TemporarySpool
    from scratchpack.pipeline.annotations import standard_annotations
    from scratchpack.pipeline.fleet.shelf import Shelf

    if not task.builds:
        return [], []
    outside = {}
    if asked.annotate == "git":
        from scratchpack.pipeline.git import git_annotations

        outside = git_annotations()
    standard = standard_annotations(plans, outside)
    with contextlib.ExitStack() as stack:
        shelf = Shelf(task.shelf) if task.shelf else None
        spool = shelf or stack.enter_context(TemporarySpool())
        made = [_release(task, asked, plans, standard, spool, shelf, build) for build in task.builds]
        return [_fields(release) for release in made], _pushed(task, made[0])


def _release(
    task: Task,
    asked: Request,
    plans: tuple[Plan, ...],
    standard: tuple[dict[str, str], ...],
    spool: Spool,
    shelf: Shelf | None,
    build: Built,
) -> Release:
    from scratchpack.pipeline.build import build_release

    return build_release(
        plans,
        asked,
        task.references,
        standard,
        spool=spool,
        compression=build.compression,
        level=build.level,
        progress=lambda *_: None,
        shelf=shelf,
    )


def _pushed(task: Task, release: Release) -> list[Any]:
    if task.push is None:
        return []
    from scratchpack.sinks.registry import RegistrySink

    sink = RegistrySink(insecure=task.push.insecure, token_servers=task.push.token_servers)
    return [{"type": done.type, "dest": done.dest, "digest": done.digest} for done in sink.write(release)]


def _fields(release: Release) -> dict[str, Any]:
    from scratchpack.pipeline.fleet.shelf import layer_fields

    images = [
        {
            "config": _text(image.config_blob.open().read()),
            "manifest": _text(image.manifest_blob.open().read()),
            "layers": [layer_fields(layer) for layer in image.layers],
        }
        for image in release.images
    ]
    index = release.index_blob
    return {"images": images, "index": None if index is None else _text(index.open().read())}


def _text(data: bytes) -> str:
    return data.decode()


def _legible(text: str) -> str:
    from scratchpack import foreign

    return foreign.legible(text)


class _Directory:
    """The working directory is the process's; tasks of one directory run side by side, those of another one wait."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._users = 0
        self._before = ""

    @contextlib.contextmanager
    def __call__(self, directory: str) -> Iterator[None]:
        with self._free:
            while self._users and os.getcwd() != directory:
                self._free.wait()
            if not self._users:
                self._before = os.getcwd()
                try:
                    os.chdir(directory)
                except OSError as error:
                    raise InputError(
                        f"cannot work in {directory}: {error.strerror}",
                        hint="every worker must see the files under the names that they have here",
                    ) from error
            self._users += 1
        try:
            yield
        finally:
            with self._free:
                self._users -= 1
                if not self._users:
                    os.chdir(self._before)
                self._free.notify_all()


_inside = _Directory()
