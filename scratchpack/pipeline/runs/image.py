"""``verify --run`` and ``verify --trace``: an image goes in, is started as its config says in a sandbox, and a verdict comes out (W30, W31, W33).

This is the one step of ``verify`` that executes anything of the image (S1).
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from scratchpack.errors import CheckError, UsageError
from scratchpack.oci.source import read_images
from scratchpack.pipeline.runs.guest import guest_of, start_of
from scratchpack.pipeline.runs.judge import judged
from scratchpack.sandbox.tree import fill
from scratchpack.sysroot.layerroot import LayerRoot

if TYPE_CHECKING:
    from scratchpack.oci.source import StoredImage
    from scratchpack.oci.store import Store
    from scratchpack.pipeline.runs.expectation import Expectation, Tracing
    from scratchpack.pipeline.runs.judge import Run, Show
    from scratchpack.verification.image import Verdict

_ARCHITECTURES = {  # uname's name of a machine to the image specification's
    "x86_64": "amd64",
    "aarch64": "arm64",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def run_image(store: Store, wanted: Expectation, *, tracing: Tracing | None = None, show: Show | None) -> Verdict:
    """Run an image's own entrypoint in a sandbox.

    Args:
        store: the image, open and found right.
        wanted: what is expected of the run.
        tracing: where the trace goes, of a run that is traced.
        show: gets ("out" or "err", bytes) as they come.

    Raises:
        UsageError: there is no image for this machine.
        InputError, RemoteError: it cannot be read.
        OutputError: the trace cannot be written.
        SandboxError: the sandbox cannot be built here, or the program not be started in it.
    """
    image = _for_this_machine(store)
    name = f"{', '.join(image.references) or image.digest} ({image.platform})"
    with (
        LayerRoot([layer.open for layer in image.layers], name=name) as root,
        tempfile.TemporaryDirectory(prefix="scratchpack-run-", ignore_cleanup_errors=True) as home,
    ):
        start = start_of(image.config, root, wanted.words, name=name)
        tree = os.path.join(home, "root")
        os.mkdir(tree)
        try:
            left_out = fill(tree, root.history)
        except OSError as error:
            raise CheckError(f"cannot unpack {name} to run it: {error.strerror}", hint="set TMPDIR") from None
        run = judged(
            f"{'trace' if tracing else 'run'} of {' '.join(start.argv)}",
            guest_of(tree, start, image.config, wanted),
            wanted,
            show=show,
            left_out=left_out,
            trace=tracing is not None,
            names=tracing is not None and tracing.seccomp is not None,
        )
        return run.verdict if tracing is None else _observed(run, root, tracing)


def _observed(run: Run, root: LayerRoot, tracing: Tracing) -> Verdict:
    """The verdict with what the trace shows; the files that were asked for are written."""
    from scratchpack.pipeline.runs.observed import observed
    from scratchpack.pipeline.runs.tracefiles import write_traced
    from scratchpack.sandbox.trace import Trace
    from scratchpack.sysroot.dirroot import DirRoot

    trace = run.trace or Trace()
    write_traced(trace, tracing)
    files = {
        version.path: version.inode.record.size
        for version in root.history.live()
        if version.inode.record.kind == "file"
    }
    source = DirRoot(tracing.source or "/")
    try:
        seen = observed(trace, root, files, source)
    finally:
        source.close()
    return run.verdict._replace(observed=seen)


def for_this_machine(architecture: str) -> bool:
    """Whether programs of this architecture (as images name it) run here."""
    return _ARCHITECTURES.get(os.uname().machine) == architecture


def _for_this_machine(store: Store) -> StoredImage:
    images = read_images(store)
    for image in images:
        if for_this_machine(image.platform.architecture):
            return image
    others = ", ".join(str(image.platform) for image in images)
    raise UsageError(
        f"cannot run {store.name} here: it is for {others or 'no machine'}, and this is {os.uname().machine}"
    )
