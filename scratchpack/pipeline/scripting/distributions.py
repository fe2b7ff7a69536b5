"""Which installed distribution a module belongs to: site directories go in; its metadata and what it requires come out.

``importlib.metadata`` reads the ``*.dist-info`` beside a module when the program asks for an entry point or a version, so it
travels with the module (PyPA's "Recording installed projects"). ``Requires-Dist`` without an extra must be there as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.pattern import pattern
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scratchpack.sysroot.model import Node, Sysroot

_MAX = 1 << 20
_SUFFIXES = (".dist-info", ".egg-info")
_REQUIRES = pattern(r"^Requires-Dist:\s*([A-Za-z0-9._-]+)(?P<rest>.*)$", re.MULTILINE)


class Distributions:
    """The metadata of every distribution in some site directories, read once and only when first asked."""

    def __init__(self, root: Sysroot, site: tuple[str, ...]) -> None:
        self._root, self._site = root, site
        self._tops: dict[tuple[str, str], list[str]] | None = None  # (site, top-level name) -> metadata
        self._named: dict[str, str] = {}  # normalised name -> metadata
        self._places: dict[str, list[tuple[str, str]]] = {}  # metadata -> its top-level names

    def of(self, site: str, top: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """Each metadata directory of a top-level name, and the top-level names that it requires."""
        if self._tops is None:
            self._tops = {}
            for place in self._site:
                self._read(place)
        for metadata in self._tops.get((site, top), ()):
            required = (self._named.get(_normal(name)) for name in self._requires(metadata))
            yield metadata, tuple(place for other in required if other for place in self._places.get(other, ()))

    def _read(self, site: str) -> None:
        node = self._root.lookup(site)
        for name in self._root.list(node) if node is not None and node.kind == "directory" else ():
            if not name.endswith(_SUFFIXES):
                continue
            metadata = f"{site}/{name}"
            self._named.setdefault(_normal(name.rpartition(".")[0].partition("-")[0]), metadata)
            for top in self._top_levels(metadata, site):
                (self._tops if self._tops is not None else {}).setdefault((site, top), []).append(metadata)
                self._places.setdefault(metadata, []).append((site, top))

    def _top_levels(self, metadata: str, site: str) -> Iterator[str]:
        """First components of RECORD; else the names of ``top_level.txt`` as they stand in the directory."""
        record = self._text(f"{metadata}/RECORD")
        tops = {line.partition(",")[0].partition("/")[0] for line in record.splitlines()}
        if not record:
            for name in self._text(f"{metadata}/top_level.txt").split():
                tops |= {top for top in (name, f"{name}.py") if self._root.lookup(f"{site}/{top}") is not None}
            tops |= self._guessed(metadata, site) if not tops else set()
        yield from sorted(
            top for top in tops if top and top not in {"..", "__pycache__"} and not top.endswith(_SUFFIXES)
        )

    def _guessed(self, metadata: str, site: str) -> set[str]:
        """Debian's packages may have neither file: then the distribution's own name."""
        name = _normal(metadata.rpartition("/")[2].rpartition(".")[0].partition("-")[0]).replace("-", "_")
        return {top for top in (name, f"{name}.py") if self._root.lookup(f"{site}/{top}") is not None}

    def _requires(self, metadata: str) -> Iterator[str]:
        text = self._text(f"{metadata}/METADATA") or self._text(f"{metadata}/PKG-INFO")
        yield from (match[1] for match in _REQUIRES.finditer(text) if "extra" not in match["rest"])
        for line in self._text(f"{metadata}/requires.txt").partition("[")[0].splitlines():
            if name := re.match(r"[A-Za-z0-9._-]+", line):
                yield name[0]

    def _text(self, path: str) -> str:
        node: Node | None = self._root.lookup(path)
        if node is None or node.kind != "file":
            return ""
        try:
            return read(self._root, node, _MAX).data.decode("utf-8", "replace")
        except InputError:
            return ""


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
