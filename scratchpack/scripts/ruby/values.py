"""What an expression of Ruby is worth before the program runs: a node and the source's own path go in, a constant text comes out.

Known are plain strings, ``__FILE__`` and ``__dir__``, and the calls with which programs name their own place: ``File.join``, ``File.expand_path``,
``File.dirname``, ``File.realpath``, ``Pathname.new`` and ``Pathname#join``, and interpolations of those.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import MAX_TEXT, text

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 16
_TRANSPARENT = frozenset({"freeze", "to_s", "to_path", "realpath", "expand_path"})


class RubyValue(NamedTuple):
    """A text; ``own`` where it was made of the source's own place, and then it is absolute."""

    text: str
    own: bool = False


def constant(node: Node, path: str, depth: int = 0) -> RubyValue | None:
    """The constant value of an expression in the source ``path``, or ``None``."""
    if depth > MAX_DEPTH or node.end_byte - node.start_byte > MAX_TEXT:
        return None
    kind = node.type
    if kind in {"string", "bare_string"}:
        return _string(node, path, depth)
    if kind == "simple_symbol":
        return RubyValue(text(node)[1:])
    if kind == "parenthesized_statements" and node.named_child_count == 1:
        return constant(node.named_children[0], path, depth + 1)
    if kind in {"identifier", "constant"}:
        return {"__FILE__": RubyValue(path, True), "__dir__": RubyValue(posixpath.dirname(path), True)}.get(text(node))
    if kind == "binary":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if left is not None and right is not None and operator is not None and text(operator) in {"+", "/"}:
            return _joined([left, right], path, depth, "" if text(operator) == "+" else "/")
        return None
    return _call(node, path, depth) if kind == "call" else None


def _string(node: Node, path: str, depth: int) -> RubyValue | None:
    made, own = "", False
    for part in node.named_children:
        if part.type == "string_content":
            made += text(part)
            continue
        inner = part.named_children
        value = constant(inner[0], path, depth + 1) if part.type == "interpolation" and len(inner) == 1 else None
        if value is None or (value.own and made):
            return None
        made += value.text
        own = own or value.own
    return RubyValue(made, own)


def _joined(nodes: list[Node], path: str, depth: int, between: str) -> RubyValue | None:
    values = [constant(node, path, depth + 1) for node in nodes]
    found = [value for value in values if value is not None]
    if len(found) != len(nodes) or not found or any(value.own for value in found[1:]):
        return None
    return RubyValue(between.join(value.text for value in found), found[0].own)


def _call(node: Node, path: str, depth: int) -> RubyValue | None:
    method, receiver = node.child_by_field_name("method"), node.child_by_field_name("receiver")
    arguments = node.child_by_field_name("arguments")
    words = arguments.named_children if arguments is not None else []
    name = text(method) if method is not None and method.end_byte - method.start_byte < 32 else ""
    above = text(receiver) if receiver is not None and receiver.end_byte - receiver.start_byte < 32 else ""
    if above == "File" and name in {"dirname", "realpath", "absolute_path", "expand_path"} and words:
        first = constant(words[0], path, depth + 1)
        if first is None:
            return None
        if name == "dirname":
            return first._replace(text=posixpath.dirname(first.text))
        if len(words) == 1:
            return first._replace(text=posixpath.normpath(first.text)) if first.text.startswith("/") else None
        base = constant(words[1], path, depth + 1)
        if base is None or not base.text.startswith("/"):
            return None
        return RubyValue(posixpath.normpath(posixpath.join(base.text, first.text)), base.own)
    if above == "File" and name == "join":
        return _normal(_joined(words, path, depth, "/")) if words else None
    if above in {"Pathname", "Pathname.new"} or name in {"Pathname", "new"}:
        return constant(words[0], path, depth + 1) if len(words) == 1 else None
    if receiver is None:
        return None
    own = constant(receiver, path, depth + 1)
    if own is None:
        return None
    if name in {"join", "+", "/"} and own.own:
        return _normal(_joined([receiver, *words], path, depth, "/"))
    if name in {"parent", "dirname"} and own.own:
        return own._replace(text=posixpath.dirname(own.text))
    return own if name in _TRANSPARENT and not words else None


def _normal(value: RubyValue | None) -> RubyValue | None:
    """``..`` taken out of what is absolute."""
    return value._replace(text=posixpath.normpath(value.text)) if value is not None and value.own else value
