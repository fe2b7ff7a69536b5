"""One Ruby source: its text goes in, what it requires, autoloads, activates and names beside itself comes out, by a real grammar."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import line, parse, text
from scratchpack.scripts.ruby.values import constant
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from tree_sitter import Node

    from scratchpack.scripts.model import SourceText

MAX_NODES = 150_000  # of one tree; the longest file of Ruby's own library has 60,000
_LATER = {
    "method": "within a method", "singleton_method": "within a method", "lambda": "within a block",
    "do_block": "within a block", "block": "within a block",
    "rescue": "when something fails", "when": "under a condition", "while": "under a condition", "until": "under a condition",
}  # fmt: skip
_CONDITIONS = frozenset({"if", "unless", "elsif", "if_modifier", "unless_modifier", "conditional", "case", "binary"})
_CATCHES = frozenset({"LoadError", "ScriptError", "Exception"})  # what a bare ``rescue`` catches is no LoadError
_LOAD_PATH = frozenset({"$LOAD_PATH", "$:", "$-I"})
_GOES_ON = "in a begin that goes on without it"


class Feature(NamedTuple):
    """One thing that is loaded. ``how`` is "require", "load", "gem" (a name) or "bin" (a gem whose program is loaded).

    ``path`` is a feature (``json/add/core``), or absolute when the source names it by its own place. ``why`` is empty for what runs when
    the file is loaded; else why the program may do without it.
    """

    how: str
    path: str
    line: int
    why: str = ""


class RubyReading(NamedTuple):
    """``search`` are directories for ``$LOAD_PATH``, absolute; ``beside`` files that it names by its own place; ``bundler`` the line that asks for a Gemfile."""

    wanted: tuple[Feature, ...] = ()
    search: tuple[str, ...] = ()
    beside: tuple[tuple[str, int], ...] = ()
    unknown: tuple[int, ...] = ()  # lines that require what only a run can show
    bundler: int = 0
    search_unknown: int = 0  # the first line that changes $LOAD_PATH in a way that nobody can say


def read_ruby(source: SourceText) -> RubyReading:
    """Read one source.

    Raises:
        ScriptError: it passes a limit.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._wanted: dict[Feature, None] = {}
        self._search: dict[str, None] = {}
        self._beside: dict[tuple[str, int], None] = {}
        self._unknown: dict[int, None] = {}
        self._bundler = self._search_unknown = 0

    def read(self) -> RubyReading:
        """Walk without recursion; ``why`` goes down with each node."""
        stack: list[tuple[Node, str]] = [(parse(self._source, "ruby").root_node, "")]
        seen = 0
        while stack:
            node, why = stack.pop()
            seen += 1
            if seen > MAX_NODES:
                raise ScriptError(f"cannot look into {self._source.path}: it has over {MAX_NODES} syntax nodes")
            kind = node.type
            if kind == "call":
                self._call(node, why)
            elif kind == "binary" and _short(node.child_by_field_name("left")) in _LOAD_PATH:
                self._add_search(node.child_by_field_name("right"), line(node))
            why = why or _LATER.get(kind, "")
            stack += reversed(_below(node, why))
        return RubyReading(
            tuple(self._wanted), tuple(self._search), tuple(self._beside), tuple(self._unknown), self._bundler, self._search_unknown,
        )  # fmt: skip

    def _call(self, node: Node, why: str) -> None:
        method, receiver = node.child_by_field_name("method"), node.child_by_field_name("receiver")
        if method is None or method.end_byte - method.start_byte > 32:
            return
        name = text(method)
        above = _short(receiver)
        arguments = node.child_by_field_name("arguments")
        words = arguments.named_children if arguments is not None else []
        at = line(node)
        if name in {"require", "require_relative", "load"} and above in {"", "Kernel"} and words:
            self._loaded(name, words[0], at, why)
        elif name == "autoload" and len(words) == 2:
            self._want("require", words[1], at, why or "loaded when it is used")
        elif name == "gem" and not above and words:
            self._want("gem", words[0], at, why)
        elif above == "Bundler" and name in {"require", "setup"}:
            self._bundler = self._bundler or (at if not why else 0)
        elif above in _LOAD_PATH and name in {"unshift", "push", "append", "prepend", "concat"}:
            for word in words:
                self._add_search(word, at)
        elif above in {"File", "IO", "Dir", "Pathname"} or name == "join":
            value = constant(node, self._source.path)
            if value is not None and value.own:
                self._beside[value.text, at] = None

    def _loaded(self, name: str, word: Node, at: int, why: str) -> None:
        if word.type == "call" and _short(word.child_by_field_name("receiver")) == "Gem":
            arguments = word.child_by_field_name("arguments")
            inner = arguments.named_children if arguments is not None else []
            if inner:  # load Gem.activate_bin_path("puma", "puma", version): what RubyGems writes into bin/
                self._want("bin", inner[0], at, "")
            return
        value = constant(word, self._source.path)
        if name == "require_relative" and value is not None and not value.own:
            value = value._replace(
                text=posixpath.normpath(posixpath.join(posixpath.dirname(self._source.path), value.text))
            )
        if value is None or not value.text or "\0" in value.text:
            self._unknown[at] = None
        elif value.text in {"bundler/setup", "bundler/require"}:
            self._bundler = self._bundler or (at if not why else 0)
        else:
            self._wanted[Feature("load" if name == "load" else "require", value.text, at, why)] = None

    def _want(self, how: str, word: Node, at: int, why: str) -> None:
        value = constant(word, self._source.path)
        if value is None or not value.text or "\0" in value.text:
            self._unknown[at] = None
        else:
            self._wanted[Feature(how, value.text, at, why)] = None

    def _add_search(self, node: Node | None, at: int) -> None:
        value = constant(node, self._source.path) if node is not None else None
        if value is not None and value.text.startswith("/"):
            self._search[posixpath.normpath(value.text)] = None
        else:
            self._search_unknown = self._search_unknown or at


def _below(node: Node, why: str) -> list[tuple[Node, str]]:
    """The children of a node, each with why it may not run when the file is loaded."""
    kind = node.type
    children = node.named_children
    if kind in {"begin", "body_statement"}:
        caught = any(_catches(child) for child in children if child.type == "rescue")
        parts = {"rescue", "ensure", "else"}
        return [(child, why or (_GOES_ON if caught and child.type not in parts else "")) for child in children]
    if kind in _CONDITIONS:
        return _conditional(node, children, why)
    return [(child, why) for child in children]


def _conditional(node: Node, children: list[Node], why: str) -> list[tuple[Node, str]]:
    if node.type == "binary":
        operator = node.child_by_field_name("operator")
        if operator is None or text(operator) not in {"&&", "||", "and", "or"}:
            return [(child, why) for child in children]
        left = node.child_by_field_name("left")
        return [(child, why if child == left else why or "under a condition") for child in children]
    condition = node.child_by_field_name("condition") or node.child_by_field_name("value")
    main = condition is not None and _asks_for_main(condition)
    return [
        (child, why if child == condition or (main and child.type in {"then", "call"}) else why or "under a condition")
        for child in children
    ]


def _asks_for_main(condition: Node) -> bool:
    """``if __FILE__ == $0``: true for the script."""
    written = _short(condition).replace(" ", "")
    return written in {"__FILE__==$0", "$0==__FILE__", "__FILE__==$PROGRAM_NAME", "$PROGRAM_NAME==__FILE__"}


def _catches(rescue: Node) -> bool:
    exceptions = rescue.child_by_field_name("exceptions")
    if exceptions is None:
        return False
    return any(_short(name).rpartition("::")[2] in _CATCHES for name in exceptions.named_children)


def _short(node: Node | None) -> str:
    return text(node) if node is not None and node.end_byte - node.start_byte <= 64 else ""
