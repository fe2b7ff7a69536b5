"""The generated ``/etc/ld.so.cache``: a closure goes in, the file comes out; made only where the image's loader would not look by itself (R23)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.loader.cache import CacheEntry, accepted_flags, write_cache
from scratchpack.loader.model import FoundBy
from scratchpack.rootfs import RANK_GENERATED, File, Reason, inline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.loader.model import Closure

PATH = "/etc/ld.so.cache"


def cache_entry(closure: Closure) -> File:
    """A cache that names every library of the closure that was found through the root's own cache, and no other."""
    facts = closure.roots[0].facts
    because = Reason("needed", closure.roots[0].path, "the loader's cache: libraries outside its default directories")
    data = write_cache(_entries(closure), facts.byte_order)
    return File(PATH, inline(data), because=(because,), rank=RANK_GENERATED)


def _entries(closure: Closure) -> Iterator[CacheEntry]:
    for resolution in closure.resolved:
        if resolution.found_by is not FoundBy.CACHE:
            continue
        flags = max(accepted_flags(resolution.facts.machine, resolution.facts.e_flags))
        plain = _plain(resolution.path)
        yield CacheEntry(resolution.soname, plain, flags)
        for level, path in ((variant.level, variant.path) for variant in resolution.variants):
            yield CacheEntry(resolution.soname, path, flags, level)


def _plain(path: str) -> str:
    return posixpath.normpath(path) if "/../" in path else path
