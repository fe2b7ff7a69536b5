"""One JavaScript module: its text goes in, what it requires and imports by constant strings comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import MAX_NODES, MAX_TEXT, line, parse, text
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from tree_sitter import Node

    from scratchpack.scripts.model import SourceText

_FUNCTIONS = frozenset(
    {"function_declaration", "function_expression", "arrow_function", "method_definition", "generator_function_declaration", "generator_function"}
)  # fmt: skip
_CONDITIONS = frozenset({"if_statement", "ternary_expression", "switch_statement", "catch_clause"})


class Required(NamedTuple):
    """One specifier. ``how`` is "require" or "import"; ``why`` as in a Python import: why the program may do without it."""

    specifier: str
    how: str
    line: int
    why: str = ""


class NodeReading(NamedTuple):
    """What one module asks for. ``beside`` are paths relative to its directory that it makes of ``__dirname`` or ``import.meta.url``."""

    required: tuple[Required, ...]
    beside: tuple[tuple[str, int], ...]
    unknown: tuple[int, ...]  # lines that require what only a run can show


def read_javascript(source: SourceText) -> NodeReading:
    """Read one module.

    Raises:
        ScriptError: it passes a limit.
    """
    required: dict[Required, None] = {}
    beside: dict[tuple[str, int], None] = {}
    unknown: dict[int, None] = {}
    stack = [(parse(source, "javascript").root_node, "")]
    seen = 0
    while stack:
        node, why = stack.pop()
        seen += 1
        if seen > MAX_NODES:
            raise ScriptError(f"cannot look into {source.path}: it has over {MAX_NODES} syntax nodes")
        kind = node.type
        if kind in {"import_statement", "export_statement"}:
            specifier = _constant(node.child_by_field_name("source"))
            if specifier is not None:
                required[Required(specifier, "import", line(node), why)] = None
        elif kind == "call_expression":
            _call(node, why, required, beside, unknown)
        elif kind == "new_expression":
            _url(node, beside)
        elif kind in _FUNCTIONS:
            why = why or "within a function"
        elif kind in _CONDITIONS:
            why = why or "under a condition"
        handled = kind == "try_statement" and node.child_by_field_name("handler") is not None
        body = node.child_by_field_name("body") if handled else None
        for child in reversed(node.children):
            if child.is_named:
                tried = body is not None and child.start_byte == body.start_byte
                stack.append((child, why or "in a try that goes on without it") if tried else (child, why))
    return NodeReading(tuple(required), tuple(beside), tuple(unknown))


def _call(
    node: Node, why: str, required: dict[Required, None], beside: dict[tuple[str, int], None], unknown: dict[int, None]
) -> None:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or arguments is None or function.end_byte - function.start_byte > 64:
        return
    name, words = text(function), arguments.named_children
    if name in {"require", "require.resolve", "import"} and words:
        specifier = _constant(words[0])
        if specifier is None:
            unknown[line(node)] = None
        else:
            how = "import" if name == "import" else "require"
            required[Required(specifier, how, line(node), why or ("within a function" if name == "import" else ""))] = (
                None
            )
    elif name in {"path.join", "path.resolve", "join", "resolve"} and len(words) > 1:
        first = text(words[0]) if words[0].type == "identifier" else _text_of(words[0])
        parts = [_constant(word) for word in words[1:]]
        if first in {"__dirname", "import.meta.dirname"} and all(part is not None for part in parts):
            beside["/".join(part or "" for part in parts), line(node)] = None


def _url(node: Node, beside: dict[tuple[str, int], None]) -> None:
    """``new URL("./x", import.meta.url)``."""
    arguments = node.child_by_field_name("arguments")
    words = arguments.named_children if arguments is not None else []
    if (
        len(words) == 2
        and _text_of(words[1]) == "import.meta.url"
        and (path := _constant(words[0])) is not None
        and ":" not in path
    ):
        beside[path, line(node)] = None


def _text_of(node: Node) -> str:
    return text(node) if node.end_byte - node.start_byte < 64 else ""


def _constant(node: Node | None) -> str | None:
    """The value of a plain string, also in backquotes; ``None`` with an escape or a substitution in it."""
    if node is None or node.type not in {"string", "template_string"} or node.end_byte - node.start_byte > MAX_TEXT:
        return None
    parts = node.named_children
    if any(part.type != "string_fragment" for part in parts):
        return None
    return "".join(text(part) for part in parts)
