"""A Ruby script with all that it requires: a path goes in; files, gems and misses come out (N46).

Ruby's own library is one need of its own (N21) and is not walked. A gem travels whole with the gems that its specification asks for, so what its files require
is not followed either; the script's own files are, and those of ``vendor_ruby`` and ``site_ruby``.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.model import Import, Mention, Unknown
from scratchpack.scripts.ruby.gems import Gem, Gems, found_in
from scratchpack.scripts.ruby.hints import hinted
from scratchpack.scripts.ruby.lock import Gemfile, gemfile_of
from scratchpack.scripts.ruby.reader import Feature, RubyReading, read_ruby
from scratchpack.scripts.searchpath import directories_named
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from scratchpack.scripts.ruby.hints import Hint
    from scratchpack.sysroot.model import Node, Sysroot

MAX_FILES = 2000
MAX_BYTES = 16 << 20
_PATH = re.compile(rb"\0(/[\w./+-]*ruby[\w./+-]*)(?=\0)")  # the load path's directories are strings of ruby or libruby
# Compiled into every Ruby, or always loaded before the script: ``$LOADED_FEATURES`` of ``ruby --disable-all``, and what it answers without a file.
_BUILT_IN = frozenset({"enumerator", "thread", "rational", "complex", "fiber", "ruby2_keywords", "rubygems"})


class RubyProgram(NamedTuple):
    """``files`` lie in the load path and in no gem; ``gems`` travel whole; of ``missing`` those that are not ``optional`` stop the script."""

    search: tuple[str, ...]
    files: tuple[str, ...]
    gems: tuple[Gem, ...]
    missing: tuple[Import, ...]
    mentions: tuple[Mention, ...]
    unknown: tuple[Unknown, ...]
    warnings: tuple[str, ...]
    bundle: Gemfile | None = None
    hints: tuple[Hint, ...] = ()  # gems that those may load by a name that only a run can show


def load_path(root: Sysroot, binaries: tuple[Node, ...]) -> tuple[str, ...]:
    """``$LOAD_PATH`` from the strings of ruby and libruby that are directories of the root: it is not asked, for that would run it (S1)."""
    return directories_named(root, binaries, _PATH)


def is_standard(path: str, search: tuple[str, ...]) -> bool:
    """Whether a file belongs to Ruby's own library: the part of the load path that no other package fills."""
    own = (place for place in search if "/site_ruby" not in place and "/vendor_ruby" not in place)
    return any(path.startswith(place + "/") for place in own) and "/gems/" not in path


def _is_rubygems(feature: str) -> bool:
    return feature.partition("/")[0].removesuffix(".rb") == "rubygems"


def ruby_program(
    root: Sysroot, script: Node, search: tuple[str, ...], gems: Gems, *, everything: bool = False
) -> RubyProgram:
    """Follow what a script requires; ``search`` as :func:`load_path` gives it. With ``everything`` the gems that others may load travel as well.

    Raises:
        ScriptError: the script itself passes a limit; of another file that is a warning.
    """
    return _Walk(root, script, search, gems).run(everything=everything)


class _Walk:
    def __init__(self, root: Sysroot, script: Node, search: tuple[str, ...], gems: Gems) -> None:
        self._root, self._script, self._search = root, script, search
        self._gems = gems
        self._own: dict[str, None] = {}  # what the script puts into $LOAD_PATH
        self._files: dict[str, None] = {}
        self._taken: dict[str, Gem] = {}
        self._missing: dict[str, Import] = {}
        self._mentions: dict[Mention, None] = {}
        self._unknown: list[Unknown] = []
        self._warnings: dict[str, None] = {}
        self._bundle: Gemfile | None = None
        self._locked: dict[str, str] = {}  # name -> the version that Gemfile.lock gives
        self._open_ended = False

    def run(self, *, everything: bool) -> RubyProgram:
        """Breadth first from the script, after RubyGems, which Ruby loads by itself."""
        rubygems = found_in(self._root, "rubygems", self._search)
        if rubygems is not None and not is_standard(rubygems.canonical, self._search):
            self._files[rubygems.canonical] = None
        ahead = [(self._script, False)]
        known = {self._script.canonical}
        total = 0
        while ahead:
            node, doubtful = ahead.pop(0)
            total += node.size
            if total > MAX_BYTES or len(known) > MAX_FILES:
                self._warnings[
                    f"{self._script.canonical} requires over {MAX_FILES} files: not all were looked into"
                ] = None
                break
            for found, optional in self._follow(node, self._read(node), doubtful=doubtful):
                if found.canonical not in known:
                    known.add(found.canonical)
                    self._files[found.canonical] = None
                    if not found.canonical.endswith(".so"):
                        ahead.append((found, optional))
        hints = hinted(self._root, self._gems, self._taken.values())
        for hint in hints if everything else ():
            self._activate(hint.gem, hint.file, hint.line, optional=True)
        return RubyProgram(
            (*self._own, *self._search), tuple(self._files), tuple(self._taken.values()), tuple(self._missing.values()),
            tuple(self._mentions), tuple(self._unknown), tuple(self._warnings), self._bundle,
            hints,
        )  # fmt: skip

    def _read(self, node: Node) -> RubyReading:
        try:
            return read_ruby(read(self._root, node))
        except InputError as error:
            if node == self._script:
                raise
            self._warnings[error.message] = None
            return RubyReading()

    def _follow(self, node: Node, reading: RubyReading, *, doubtful: bool) -> list[tuple[Node, bool]]:
        file = node.canonical
        self._own.update(dict.fromkeys(reading.search))
        if reading.search_unknown:
            self._open_ended = True
            self._unknown.append(
                Unknown(file, reading.search_unknown, "changes $LOAD_PATH in a way that only a run can show")
            )
        self._unknown += [Unknown(file, at, "loads what only a run can show") for at in reading.unknown]
        self._mentions.update((Mention(path, "root", "named", file, at), None) for path, at in reading.beside)
        if reading.bundler and self._bundle is None and not doubtful:
            self._bundler(file, reading.bundler)
        found = []
        for wanted in reading.wanted:
            optional = doubtful or bool(wanted.why)
            if wanted.how in {"gem", "bin"}:
                self._gem(wanted.path, file, wanted.line, optional=optional)
            elif (at := self._one(wanted, file, optional=optional)) is not None:
                found.append((at, optional))
        return found

    def _one(self, wanted: Feature, file: str, *, optional: bool) -> Node | None:
        """The file of a feature that is to be followed; ``None`` where there is nothing to follow."""
        if wanted.path.startswith("/"):
            node = found_in(self._root, wanted.path.lstrip("/"), ("",)) or self._root.lookup(wanted.path)
        else:
            node = found_in(self._root, wanted.path, (*self._own, *self._search))
            if node is None and wanted.how == "load":
                node = self._root.lookup(posixpath.join(posixpath.dirname(file), wanted.path))
        if node is not None and node.kind == "file":
            if _is_rubygems(
                wanted.path
            ):  # always loaded: it travels, and what it may load while it installs gems is of no interest
                self._files.update({} if is_standard(node.canonical, self._search) else {node.canonical: None})
                return None
            return None if is_standard(node.canonical, self._search) or self._in_gem(node) else node
        if wanted.path.removesuffix(".so").removesuffix(".rb") in _BUILT_IN:
            return None
        active = (gem for gem in self._taken.values() if self._gems.file_of(gem, wanted.path) is not None)
        gem = next(active, None) or self._gems.with_feature(wanted.path)
        if gem is not None:
            self._activate(gem, file, wanted.line, optional=optional)
            return None
        self._miss(wanted.path, file, wanted.line, optional=optional or self._open_ended)
        return None

    def _in_gem(self, node: Node) -> bool:
        return any(node.canonical.startswith(f"{place}/") for gem in self._taken.values() for place in gem.directories)

    def _bundler(self, file: str, line: int) -> None:
        """The gems of the Gemfile.lock, each in the version that it gives; bundler itself."""
        self._bundle = bundle = gemfile_of(self._root, self._script.canonical)
        if bundle is None:
            self._miss("Gemfile", file, line, optional=True)
            return
        self._gems = Gems(self._root, (*bundle.gem_directories(self._root), *self._gems.directories))
        self._gem("bundler", file, line, optional=True)
        self._locked = {locked.name: locked.version for locked in bundle.locked}
        for locked in bundle.locked:
            if locked.source == "PATH":
                place = posixpath.normpath(posixpath.join(bundle.directory, locked.remote))
                self._mentions[Mention(place, "root", "named", bundle.lock, locked.line)] = None
                continue
            gem = self._gems.named(locked.name, locked.version)
            if gem is None:
                miss = f"{locked.name} {locked.version}"
                self._miss(miss, bundle.lock, locked.line, optional=bundle.partial or locked.source == "GIT")
            else:
                self._activate(gem, bundle.lock, locked.line, optional=False)

    def _gem(self, name: str, file: str, line: int, *, optional: bool) -> None:
        gem = self._gems.named(name)
        if gem is None:
            self._miss(name, file, line, optional=optional)
        else:
            self._activate(gem, file, line, optional=optional)

    def _activate(self, gem: Gem, file: str, line: int, *, optional: bool) -> None:
        """A gem and what its specification asks for, transitively; RubyGems refuses a gem whose dependencies are not there."""
        ahead = [(gem, file, line)]
        while ahead:
            gem, file, line = ahead.pop(0)
            if gem.specification in self._taken:
                continue
            self._taken[gem.specification] = gem
            for name in gem.requires:
                other = self._gems.named(name, self._locked.get(name, ""))
                if other is None:
                    miss = f"{name} {self._locked[name]}" if name in self._locked else name
                    self._miss(miss, gem.specification, 1, optional=optional or self._bundle is not None)
                else:
                    ahead.append((other, gem.specification, 1))

    def _miss(self, name: str, file: str, line: int, *, optional: bool) -> None:
        old = self._missing.get(name)
        if old is None or (old.optional and not optional):
            self._missing[name] = Import(name, file, line, optional)
