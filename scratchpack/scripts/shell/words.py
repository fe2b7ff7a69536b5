"""What a word of a shell script is worth before the script runs: a node goes in, a constant or ``None`` comes out.

Besides plain text this knows the ways in which scripts name their own directory: ``$(dirname "$0")``, ``${0%/*}``,
``$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)``, and a variable that is assigned once with one of them.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import MAX_TEXT, text
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tree_sitter import Node

MAX_DEPTH = 24  # substitutions within substitutions, variables of variables
MAX_STEPS = 300_000  # words within words, of one script

_SELF = re.compile(r"\$(?:\{)?(?:0|BASH_SOURCE(?:\[0\])?|_)(?:\})?\Z")
_SELF_DIRECTORY = re.compile(r"\$\{(?:0|BASH_SOURCE(?:\[0\])?)%/\*\}\Z|\$\{(?:0|\(%\):-%[xN]):(?:A:|a:)?h\}\Z")
_DEFAULT = re.compile(r"\$\{(\w+):?[-=]([^${}`\"'\\*?\[\]~]*)\}\Z")
_NAME = re.compile(r"\$\{?(\w+)\}?\Z")
_GLOB = frozenset("*?[~{")


class Constant(NamedTuple):
    """A constant word. ``base`` is "" (``text`` is all of it), "self" (``$0``) or "script" (the script's directory, then ``text``)."""

    text: str
    base: str = ""
    via: str = ""  # the variable that held it: the environment or a later line may change that


class Words:
    """Evaluates the words of one script; ``assigned`` has each variable's values, in the order of the text."""

    def __init__(self, assigned: Mapping[str, Sequence[Node | None]], path: str) -> None:
        self._path = path
        self._steps = 0
        self._assigned = assigned
        self._known: dict[str, Constant | None] = {}

    def value(self, node: Node, depth: int = 0) -> Constant | None:
        """The word's constant value, or ``None``."""
        if depth > MAX_DEPTH or node.end_byte - node.start_byte > MAX_TEXT:
            return None
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ScriptError(f"cannot look into {self._path}: its words nest too deeply")
        kind = node.type
        if kind in {"word", "number", "variable_name", "regex"}:
            if kind == "word" and node.named_child_count:
                return None
            return _plain(text(node))
        if kind == "raw_string":
            return Constant(text(node)[1:-1])
        if kind == "ansi_c_string":
            inner = text(node)[2:-1]
            return None if "\\" in inner else Constant(inner)
        if kind == "string":
            return self._joined(node, depth, quoted=True)
        if kind in {"concatenation", "command_name"}:
            return self._joined(node, depth, quoted=False)
        if kind in {"simple_expansion", "expansion"}:
            return self._expansion(text(node), depth)
        if kind == "command_substitution":
            return self._substitution(node, depth)
        return None

    def _joined(self, node: Node, depth: int, *, quoted: bool) -> Constant | None:
        """The parts of a word, and in a string the blanks between them, which the grammar has no nodes for."""
        start, end = node.start_byte, node.end_byte
        data = node.text or b""
        at = start + 1 if quoted else start
        parts: list[Constant] = []
        for child in node.named_children:
            if quoted and child.start_byte > at:
                parts.append(_text_of(data[at - start : child.start_byte - start]))
            part = _text_of(child.text or b"") if child.type == "string_content" else self.value(child, depth + 1)
            if part is None:
                return None
            parts.append(part)
            at = child.end_byte
        if quoted and at < end - 1:
            parts.append(_text_of(data[at - start : end - 1 - start]))
        if any(part.base for part in parts[1:]):
            return None
        via = next((part.via for part in parts if part.via), "")
        return Constant("".join(part.text for part in parts), parts[0].base if parts else "", via)

    def _expansion(self, written: str, depth: int) -> Constant | None:
        if _SELF.match(written):
            return Constant("", "self")
        if _SELF_DIRECTORY.match(written):
            return Constant("", "script")
        if match := _DEFAULT.match(written):
            return Constant(match[2], "", match[1]) if match[2] else None
        match = _NAME.match(written)
        return self._variable(match[1], depth) if match else None

    def _variable(self, name: str, depth: int) -> Constant | None:
        if name not in self._known:
            self._known[name] = None  # against variables that are made of each other
            values = self._assigned.get(name, ())
            only = values[0] if len(values) == 1 else None
            value = self.value(only, depth + 1) if only is not None else None
            self._known[name] = value._replace(via=value.via or name) if value else None
        return self._known[name]

    def _substitution(self, node: Node, depth: int) -> Constant | None:
        commands = _commands(node)
        if not commands:
            return None
        words = [self._command(command, depth) for command in commands]
        name, *arguments = words[0]
        last = _last_operand(arguments)
        if len(commands) == 1 and name == Constant("dirname") and last is not None:
            if last.base == "self" and not last.text:
                return Constant("", "script", last.via)
            return last._replace(text=_parent(last)) if last.base == "script" else None
        if len(commands) == 1 and name in {Constant("readlink"), Constant("realpath")}:
            return last if last is not None and last.base else None
        if len(commands) == 2 and name == Constant("cd") and words[1][0] == Constant("pwd"):
            return last if last is not None and last.base == "script" else None
        return None

    def _command(self, command: Node, depth: int) -> list[Constant | None]:
        fields = [command.child_by_field_name("name"), *command.children_by_field_name("argument")]
        return [self.value(field, depth + 1) if field is not None else None for field in fields]


def _last_operand(arguments: Sequence[Constant | None]) -> Constant | None:
    operands = [word for word in arguments if word is None or word.base or not word.text.startswith("-")]
    return operands[0] if len(operands) == 1 else None


def _parent(value: Constant) -> str:
    """The directory above a path below the script's; ``/..`` above the script's own."""
    return posixpath.dirname(value.text) if value.text.strip("/") else value.text + "/.."


def _commands(node: Node) -> list[Node]:
    """The commands of ``$(a && b)``, unwrapped from lists and redirections; none where there is more to it."""
    found: list[Node] = []
    ahead = list(node.named_children)
    while ahead:
        child = ahead.pop(0)
        if child.type == "command":
            found.append(child)
        elif child.type in {"list", "redirected_statement"}:
            ahead = [*child.named_children, *ahead]
        elif child.type != "file_redirect":
            return []
        if len(found) > 2:
            return []
    return found


def _plain(written: str) -> Constant | None:
    """An unquoted word: without backslashes, and only where no pattern or tilde would be expanded."""
    bare = re.sub(r"\\(.)", "", written, flags=re.DOTALL)
    if _GLOB & set(bare) and bare not in {"[", "{", "{}"}:
        return None
    return Constant(re.sub(r"\\(.)", lambda m: "" if m[1] == "\n" else m[1], written, flags=re.DOTALL))


def _text_of(data: bytes) -> Constant:
    """Text within double quotes, where a backslash only stands before five characters."""
    written = data.decode("utf-8", "surrogateescape")
    return Constant(re.sub(r"\\([$`\"\\\n])", lambda m: "" if m[1] == "\n" else m[1], written))
