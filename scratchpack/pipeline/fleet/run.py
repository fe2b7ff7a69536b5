"""One run over a fleet: members go in; every image is made by the executor, and then all of them leave together.

An image that cannot be made keeps no other from being made. What was made then goes to a place that says so (``DEST.partial``), and
the place that was asked for keeps what it had, so that nothing looks whole that is not.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

from scratchpack.errors import OutputError, RemoteError, UsageError
from scratchpack.oci.index import fleet as fleet_of
from scratchpack.pipeline.collisions import UsedPath, inputs_of, refuse_collisions
from scratchpack.pipeline.fleet import answer, executor
from scratchpack.pipeline.fleet.model import Failure, Fleet, Made
from scratchpack.pipeline.fleet.shelf import Shelf
from scratchpack.pipeline.fleet.task import Built, Push, Task, maker, written
from scratchpack.pipeline.fleet.work import make
from scratchpack.pipeline.together import together
from scratchpack.pipeline.writer import image_sink
from scratchpack.request import fleets, request
from scratchpack.sinks import temporary
from scratchpack.sinks.model import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scratchpack.oci.model import Image
    from scratchpack.pipeline.fleet.model import FleetMember
    from scratchpack.request.model import Request
    from scratchpack.sinks.model import Receipt

    # hears of each image that ended: how many did, of how many, its name, and why it was not made ("" where it was)
    Told = Callable[[int, int, str, str], None]

PARTIAL = ".partial"


def carry_out(
    members: Sequence[FleetMember],
    run: Request,
    *,
    name: str = "fleet",
    epoch: str = "",
    settings: str | None = None,
    told: Told = lambda *_: None,
) -> Fleet:
    """Make every image, and write what was asked for.

    Args:
        members: what is to be made, checked.
        run: the settings of the run: outputs, executor, shard.
        name: what an output is called that was given no name.
        epoch: SOURCE_DATE_EPOCH.
        settings: the fleet file or settings file that was read.
        told: is called with (images done, images, name, fault).

    Raises:
        UsageError: a combination that cannot be, an output that would replace an input.
        RemoteError: a scheduler or an engine does not answer.
        OutputError: an output could not be written.
    """
    fleets.check(run)
    outputs = _outputs(run, name)
    nameless = next((member for member in members if not member.options.tag), None)
    if nameless is not None and _pushes(run, outputs):
        raise UsageError(
            f"cannot push {nameless.binaries[0]}: no name says where to", hint="name them: -t example.org/{name}:1.0"
        )
    files = [output for output in outputs if output.type != "registry"]
    places = [
        UsedPath(output.dest or "", f"-o type={output.type}", tree=not output.tar)
        for output in files
        if output.dest != "-"
    ]
    if run.metadata_file is not None:
        places.append(UsedPath(run.metadata_file, "--metadata-file"))
    inputs = {
        used for member in members for used in inputs_of(member.binaries, request(member.options, "pack", {}), settings)
    }
    refuse_collisions(sorted(inputs), places)
    opener = executor.processes if run.scheduler is None else executor.cluster(run.scheduler)
    with contextlib.ExitStack() as stack:
        shelf = Shelf(stack.enter_context(_directory())) if run.scheduler is None and not run.dry_run else None
        builds = () if run.dry_run else _builds(run, outputs)
        push = Push(run.insecure_registry, run.token_server) if _pushes(run, outputs) and not run.dry_run else None
        tasks = [
            written(
                Task(
                    maker(), os.getcwd(), epoch, member.binaries, member.references, member.options, builds,
                    shelf.directory if shelf is not None else "", push, tuple(place.path for place in places),
                )
            )
            for member in members
        ]  # fmt: skip
        ended = _made(tasks, members, run, opener, shelf, told)
        made = tuple(one for one in ended if isinstance(one, Made))
        failed = tuple(one for one in ended if isinstance(one, Failure))
        if run.scheduler is not None and not run.dry_run:
            made, lost = _confirmed(made, run)
            failed = (*failed, *lost)
        receipts = [receipt for one in made for receipt in one.receipts]
        partial: list[str] = []
        if made and not run.dry_run:
            for output in files:
                receipts += _write(output, made, builds, run.mtime, partial, whole=not failed)
            if run.load:
                from scratchpack.sinks.engine import EngineSink

                receipts += EngineSink(run.load).write(fleet_of([one.releases[0] for one in made]))
        sums = together([(one.member.references[0], _stored(one)) for one in made]) if builds else None
        return Fleet(made, failed, tuple(receipts), sums, run.shard, tuple(partial), run.dry_run)


def _made(
    tasks: Sequence[str],
    members: Sequence[FleetMember],
    run: Request,
    opener: executor.Opener,
    shelf: Shelf | None,
    told: Told,
) -> list[Made | Failure]:
    ended: dict[int, Made | Failure] = {}

    def done(number: int, text: str) -> None:
        one = answer.read(text, members[number], shelf)
        ended[number] = one
        told(len(ended), len(tasks), members[number].name, one.message if isinstance(one, Failure) else "")

    jobs = run.jobs or executor.cores()
    if run.scheduler is None and min(jobs, len(tasks)) <= 1:
        for number, task in enumerate(tasks):
            done(number, make(task))
    elif tasks:
        executor.run(make, tasks, opener, jobs, done)
    return [ended[number] for number in sorted(ended)]


def _outputs(run: Request, name: str) -> list[Output]:
    """Every output with its place; without any, and without ``--load`` or ``--push``, ``<name>.tar`` of type docker."""
    if run.shard is not None:
        name += f"-{run.shard[0]}-of-{run.shard[1]}"
    if not run.output and not run.load and not run.push:
        return [Output("docker", f"{name}.tar")]
    suffixes = {"docker": ".tar", "oci": ".oci.tar"}
    return [
        output
        if output.dest is not None or output.type == "registry"
        else output._replace(dest=name + (suffixes[output.type] if output.tar else ".oci"))
        for output in run.output
    ]


def _builds(run: Request, outputs: Sequence[Output]) -> tuple[Built, ...]:
    """Each compression that an output wants, once; what is pushed comes first, for the worker pushes it."""
    pushed = [output for output in outputs if output.type == "registry"]
    wanted = [Built(output.compression, output.level) for output in (*pushed, *outputs)]
    if run.push and not pushed:
        wanted.insert(0, Built("gzip", None) if not wanted else wanted[0])
    return tuple(dict.fromkeys(wanted or [Built("gzip", None)]))


def _pushes(run: Request, outputs: Sequence[Output]) -> bool:
    return run.push or any(output.type == "registry" for output in outputs)


def _write(
    output: Output, made: Sequence[Made], builds: Sequence[Built], mtime: int, partial: list[str], *, whole: bool
) -> tuple[Receipt, ...]:
    """One archive or layout of all images, or of those that there are, which then is called so."""
    number = builds.index(Built(output.compression, output.level))
    if not whole:
        if output.dest == "-":
            return ()
        output = output._replace(dest=f"{(output.dest or '').rstrip('/')}{PARTIAL}")
        partial.append(output.dest or "")
    release = fleet_of([one.releases[number] for one in made])
    with contextlib.closing(image_sink(output, mtime)) as sink:
        return sink.write(release)


def _confirmed(made: Sequence[Made], run: Request) -> tuple[tuple[Made, ...], tuple[Failure, ...]]:
    """A worker elsewhere says that it pushed: the registry is asked whether each name stands for what the worker described."""
    from scratchpack.oci.registry.pull import RemoteImage
    from scratchpack.oci.registry.session import Access

    access = Access(frozenset(run.insecure_registry), frozenset(run.token_server))
    kept, lost = [], []
    for one in made:
        try:
            for reference in one.member.references:
                with RemoteImage(reference, access) as remote:
                    _same(reference, remote.top().digest, one.releases[0].top.digest)
        except RemoteError as error:
            lost.append(Failure(one.member, error.message, error.hint or "", error.details, error.exit_code))
        else:
            kept.append(one)
    return tuple(kept), tuple(lost)


def _same(reference: str, found: str, said: str) -> None:
    if found != said:
        raise RemoteError(
            f"cannot trust what a worker says of {reference}: the registry has {found} there, and not {said}",
            hint="another run may push to the same name",
        )


class _StoredLayer:
    """A layer as :func:`scratchpack.pipeline.together.together` counts it."""

    def __init__(self, digest: str, chain_id: str, stored: int, unpacked: int) -> None:
        self.digest, self.chain_id, self.stored, self.unpacked = digest, chain_id, stored, unpacked


def _stored(one: Made) -> list[_StoredLayer]:
    return [layer for image in one.releases[0].images for layer in _layers(image)]


def _layers(image: Image) -> Iterator[_StoredLayer]:
    from scratchpack.pipeline.analyze import chain_ids

    chains = chain_ids([layer.diff_id for layer in image.layers])
    for layer, chain_id in zip(image.layers, chains, strict=True):
        yield _StoredLayer(layer.blob.digest, chain_id, layer.blob.size, layer.uncompressed_size)


@contextlib.contextmanager
def _directory() -> Iterator[str]:
    """A directory for the layers of this run; what a killed run left is cleared away by the next one (S18)."""
    home = tempfile.gettempdir()
    try:
        temporary.reclaim(home)
        descriptor, path = temporary.create(os.path.join(home, "scratchpack-fleet"), directory=True)
    except OSError as error:
        raise OutputError(
            f"cannot make a temporary directory: {error.strerror}", hint="set TMPDIR to a directory with room"
        ) from error
    try:
        os.chmod(path, 0o700)
        yield path
    finally:
        temporary.remove_tree(path)
        os.close(descriptor)
