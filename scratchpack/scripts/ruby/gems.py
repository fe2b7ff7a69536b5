"""The gems of a root: directories that RubyGems searches go in, gems with their files, features and dependencies come out.

A specification is Ruby code that RubyGems writes in one form; it is read as text for the fields that matter and never run (S1). The layout
is RubyGems' own (``Gem::Specification``): ``specifications/NAME.gemspec``, ``gems/NAME``, ``extensions/PLATFORM/ABI/NAME``, ``specifications/default``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.sysroot.model import Node, Sysroot

MAX_SPECIFICATION = 1 << 20  # bytes
MAX_GEMS = 5000
_ABI = re.compile(r"\d+\.\d+\.\d+\Z")
_FIELD = re.compile(r"^\s*s\.(name|version)\s*=\s*(?:Gem::Version\.new\()?[\"']([^\"']+)[\"']", re.MULTILINE)
_PATHS = re.compile(r"^\s*s\.require_paths\s*=\s*\[([^\]]*)\]", re.MULTILINE)
_DEPENDS = re.compile(r"add_(?:runtime_)?dependency\(%q<([^>]+)>")
_RUNTIME = re.compile(r"add_runtime_dependency\(%q<([^>]+)>")
_DEVELOPMENT = re.compile(r"add_development_dependency\(%q<([^>]+)>")
_WORD = re.compile(r"[\"']([^\"']*)[\"']")


class Gem(NamedTuple):
    """One installed gem. ``directories`` hold it (its tree, its compiled extensions), ``features`` are where ``require`` looks; ``standard`` for those that come with Ruby."""

    name: str
    version: str
    specification: str
    directories: tuple[str, ...]
    features: tuple[str, ...]
    requires: tuple[str, ...]
    standard: bool = False


def gem_directories(search: Iterable[str]) -> tuple[str, ...]:
    """Where RubyGems looks by itself, from Ruby's load path: its own rule, and those of Debian, Fedora and Alpine.

    The directory in a user's home is not among them: in the image that user is nobody.
    """
    found: dict[str, None] = {}
    for place in search:
        above, _, abi = place.rpartition("/")
        if not _ABI.match(abi) or above.endswith(("site_ruby", "vendor_ruby")):
            continue
        lib = above.rpartition("/")[0]  # /usr/lib of /usr/lib/ruby/3.1.0
        prefix = lib.partition("/lib")[0]
        for base in (
            f"/var/lib/gems/{abi}", f"/usr/local/lib/ruby/gems/{abi}", f"{above}/gems/{abi}", f"{prefix}/share/rubygems-integration/{abi}",
            f"{prefix}/share/rubygems-integration/all", f"{lib}/rubygems-integration/{abi}", f"{prefix}/share/gems", "/usr/local/share/gems",
            f"{prefix}/lib64/gems/ruby",
        ):  # fmt: skip
            found[base] = None
    return tuple(found)


class Gems:
    """The gems of some directories, by name; every directory is listed once, when the first gem is asked for."""

    def __init__(self, root: Sysroot, directories: tuple[str, ...]) -> None:
        self._root, self.directories = root, directories
        self._names: dict[str, list[str]] | None = None  # name -> specifications, the newest first
        self._read: dict[str, Gem | None] = {}

    def named(self, name: str, version: str = "") -> Gem | None:
        """The newest gem of a name, or the one of a version."""
        for path in self._table().get(name, ()):
            gem = self._gem(path)
            if gem is not None and gem.name == name and version in {"", gem.version}:
                return gem
        return None

    def with_feature(self, feature: str) -> Gem | None:
        """The gem that ``require`` of a feature would activate: one with such a file, the newest first."""
        for paths in self._table().values():
            for path in paths:
                gem = self._gem(path)
                if gem is not None and not gem.standard and self.file_of(gem, feature) is not None:
                    return gem
        return None

    def file_of(self, gem: Gem, feature: str) -> Node | None:
        """The file of a feature in a gem."""
        return found_in(self._root, feature, gem.features)

    def names(self) -> frozenset[str]:
        """Every installed name."""
        return frozenset(self._table())

    def _table(self) -> dict[str, list[str]]:
        if self._names is None:
            self._names = {}
            paths = [path for base in self.directories for path in self._specifications(base)]
            for path in sorted(paths, key=_version_of, reverse=True)[:MAX_GEMS]:
                self._names.setdefault(_split(path)[0], []).append(path)
        return self._names

    def _specifications(self, base: str) -> Iterator[str]:
        for place in (f"{base}/specifications", f"{base}/specifications/default"):
            node = self._root.lookup(place)
            if node is not None and node.kind == "directory":
                yield from (f"{place}/{name}" for name in self._root.list(node) if name.endswith(".gemspec"))

    def _gem(self, path: str) -> Gem | None:
        if path not in self._read:
            node = self._root.lookup(path)
            gem = None
            if node is not None and node.kind == "file":
                try:
                    gem = self._parsed(path, read(self._root, node, MAX_SPECIFICATION).data.decode("utf-8", "replace"))
                except InputError:
                    gem = None
            self._read[path] = gem
        return self._read[path]

    def _parsed(self, path: str, text: str) -> Gem | None:
        fields = {match[1]: match[2] for match in _FIELD.finditer(text)}
        if "name" not in fields or "version" not in fields:
            return None
        standard = "/specifications/default/" in path
        base = path.partition("/specifications/")[0]
        full = path.rpartition("/")[2].removesuffix(".gemspec")
        own = f"{base}/gems/{full}"
        extensions = tuple(self._extensions(base, full))
        paths = _PATHS.search(text)
        features = tuple(f"{own}/{word}" for word in _WORD.findall(paths[1]) if ".." not in word) if paths else (own,)
        needed = _RUNTIME.findall(text) or [
            name for name in _DEPENDS.findall(text) if name not in _DEVELOPMENT.findall(text)
        ]
        directories = (own,) if self._root.lookup(own) is not None else ()
        return Gem(
            fields["name"], fields["version"], path, (*directories, *extensions), (*extensions, *features), tuple(dict.fromkeys(needed)), standard,
        )  # fmt: skip

    def _extensions(self, base: str, full: str) -> Iterator[str]:
        top = f"{base}/extensions"
        for platform in self._list(top):
            for abi in self._list(f"{top}/{platform}"):
                if self._root.lookup(place := f"{top}/{platform}/{abi}/{full}") is not None:
                    yield place

    def _list(self, path: str) -> tuple[str, ...]:
        node = self._root.lookup(path)
        return self._root.list(node) if node is not None and node.kind == "directory" else ()


def found_in(root: Sysroot, feature: str, places: Iterable[str]) -> Node | None:
    """The file that ``require`` of a feature finds: with ``.rb``, then ``.so``, in each directory."""
    names = (feature,) if feature.endswith((".rb", ".so")) else (f"{feature}.rb", f"{feature}.so")
    for place in places:
        for name in names:
            node = root.lookup(f"{place}/{name}")
            if node is not None and node.kind == "file":
                return node
    return None


def _split(path: str) -> tuple[str, str]:
    """Name and version of ``…/net-http-0.2.0.gemspec``."""
    full = path.rpartition("/")[2].removesuffix(".gemspec")
    match = re.match(r"(.+?)-(\d[^-]*)(?:-.*)?\Z", full)
    return (match[1], match[2]) if match else (full, "")


def _version_of(path: str) -> tuple[tuple[int, int | str], ...]:
    """A key that orders versions as ``Gem::Version`` does: numbers above letters, which mark what is not released yet."""
    return tuple(
        (1, int(part)) if part.isdigit() else (0, part) for part in re.findall(r"\d+|[a-zA-Z]+", _split(path)[1])
    )
