"""What a trace says of an image: the trace, the image's root and the source root in; what is missing and what nobody touched out (W31)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.errors import ScratchpackError
from scratchpack.pipeline.runs.touched import is_ours, touched
from scratchpack.verification.observed import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scratchpack.sandbox.trace import Trace
    from scratchpack.sysroot.model import Sysroot

_LOADERS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
)  # of the source root's own libraries: an image has its own, or none


def observed(trace: Trace, root: Sysroot, files: Mapping[str, int], source: Sysroot) -> Observed:
    """Judge an image by a run of it.

    Args:
        trace: of the run.
        root: the image.
        files: the image's regular files by canonical path, with their sizes in bytes.
        source: where files may be that the image lacks.
    """
    found = touched(trace, root)
    seen = {node.canonical for node in found.values()}
    absent = tuple(sorted(path for path in trace.paths("absent") if path not in found and not is_ours(path)))
    untouched = {path: size for path, size in files.items() if path not in seen}
    return Observed(
        opened=_sorted(trace, "opened", "mapped"),
        executed=_sorted(trace, "executed"),
        listed=_sorted(trace, "listed"),
        looked_at=_sorted(trace, "stat"),
        absent=absent,
        refused=_sorted(trace, "refused", "unwritable"),
        missing=tuple(path for path in absent if path not in _LOADERS and _stands(source, path)),
        untouched=tuple(sorted(untouched.items(), key=lambda item: (-item[1], item[0]))),
        untouched_bytes=sum(untouched.values()),
        bytes=sum(files.values()),
    )


def _sorted(trace: Trace, *kinds: str) -> tuple[str, ...]:
    return tuple(sorted(path for path in trace.paths(*kinds) if path != "/" and not is_ours(path)))


def _stands(source: Sysroot, path: str) -> bool:
    try:
        return source.lookup(path) is not None
    except ScratchpackError:
        return False
