"""Gems that a travelling gem may load by a name that it chooses while it runs: gems go in, installed gems that their texts name come out.

Rack's and Sinatra's servers are such: the name stands in a list of words, and ``require`` is given a variable. A word in a stranger's text is
a hint and no proof, so what it names is offered and not brought.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scratchpack.errors import InputError
from scratchpack.record import NamedTuple
from scratchpack.scripts.text import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scratchpack.scripts.ruby.gems import Gem, Gems
    from scratchpack.sysroot.model import Node, Sysroot

MAX_FILES = 600
MAX_BYTES = 8 << 20
MAX_FILE = 256 << 10
MAX_DEPTH = 8
_WORDS = re.compile(rb"[\"']([A-Za-z][\w.-]*)[\"']|%w[\[({<]([^\])}>]{0,400})[\])}>]")
_CHOOSES = re.compile(rb"(?:\brequire|\bload)\b\s*\(?\s*(?:[a-z_@]|File\.|\"[^\"\n]*#\{)|const_get|try_require")


class Hint(NamedTuple):
    """A gem that may be loaded, and where its name stands."""

    gem: Gem
    file: str
    line: int


def hinted(root: Sysroot, gems: Gems, taken: Iterable[Gem]) -> tuple[Hint, ...]:
    """Installed gems that do not travel and are named in a gem that does and chooses what it requires."""
    taken = tuple(taken)
    ahead = {name.encode() for name in gems.names() - {gem.name for gem in taken} if len(name) > 2}
    found: dict[str, Hint] = {}
    for gem in taken:
        sources = [] if gem.standard else list(_sources(root, gem))
        if not any(_CHOOSES.search(data) for _, data in sources):
            continue
        for path, data in sources:
            for match in _WORDS.finditer(data):
                for word in ahead & {*(match[1] or match[2] or b"").split()}:
                    other = gems.named(word.decode())
                    if other is not None and not other.standard and _is_library_of(gem, other):
                        line = data.count(b"\n", 0, match.start()) + 1
                        found.setdefault(other.name, Hint(other, path, line))
    return tuple(found[name] for name in sorted(found))


def _is_library_of(gem: Gem, other: Gem) -> bool:
    """Whether a gem may be a part that another chooses: it is no tool of who builds gems."""
    return other.name not in {"bundler", "rake", "rdoc", "minitest", "test-unit", "rspec", gem.name}


def _sources(root: Sysroot, gem: Gem) -> Iterator[tuple[str, bytes]]:
    count = total = 0
    ahead = [(place, 0) for place in gem.features]
    while ahead:
        place, depth = ahead.pop(0)
        node = root.lookup(place)
        if node is None:
            continue
        if node.kind == "directory" and depth < MAX_DEPTH:
            ahead += [(f"{place}/{name}", depth + 1) for name in root.list(node)]
        elif node.kind == "file" and place.endswith(".rb") and node.size <= MAX_FILE:
            count, total = count + 1, total + node.size
            if count > MAX_FILES or total > MAX_BYTES:
                return
            yield place, _data(root, node)


def _data(root: Sysroot, node: Node) -> bytes:
    try:
        return read(root, node, MAX_FILE).data
    except InputError:
        return b""
