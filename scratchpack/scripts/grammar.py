"""The one door to tree-sitter: bytes of a script go in, a syntax tree with its errors marked comes out, within a fixed time.

tree-sitter repairs what it cannot parse and marks the place, so one odd line does not hide the rest of a script (ADR 6).
Its grammars are pushdown automata with look-ahead over several parses at once; some texts make that quadratic. The parser asks for its
text in small pieces, so a piece is where the clock is read: after the deadline the text ends, and the result is refused. The clock is the thread's own: a busy machine
refuses nothing that an idle one reads.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Literal

from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node, Parser, Tree

    from scratchpack.scripts.model import SourceText

Grammar = Literal["bash", "javascript", "ruby"]

MAX_SECONDS = 0.5
MAX_SIZE = 1 << 20  # bytes: a tree takes up to 60 times its text
MAX_NODES = 300_000  # of one tree: a script of 100 kB has some 30,000
MAX_QUOTE = 80  # bytes of a place that is quoted in a message
MAX_TEXT = 8 << 10  # bytes of one word; a hostile tree has each text again at every depth
_PIECE = 1024
_UNTIMED = 32 << 10  # bytes that cannot take long whatever they are: the worst text known takes 0.1 s


def parse(source: SourceText, grammar: Grammar, *, seconds: float = MAX_SECONDS) -> Tree:
    """The syntax tree of one script.

    Raises:
        ScriptError: too long, or it took too long.
    """
    from tree_sitter import Parser

    data = source.data
    if len(data) > MAX_SIZE:
        raise ScriptError(
            f"cannot look into {source.path}: a script of {len(data)} bytes is over the limit of {MAX_SIZE}",
            hint="what it needs must be named with --include",
        )
    parser = Parser(_language(grammar))
    if len(data) > _UNTIMED and not _in_time(parser, data, seconds):
        raise ScriptError(
            f"cannot look into {source.path}: it did not parse as {grammar} within {seconds:g} s",
            hint="what it needs must be named with --include",
        )
    return parser.parse(
        data
    )  # again, and over the bytes: a tree made through the callback asks it for the text of each node


def _in_time(parser: Parser, data: bytes, seconds: float) -> bool:
    """Whether a text parses before the deadline."""
    deadline = time.thread_time() + seconds
    late = False

    def piece(offset: int, _point: object) -> bytes:
        nonlocal late
        late = late or time.thread_time() > deadline
        return b"" if late else data[offset : offset + _PIECE]

    parser.parse(piece)
    parser.reset()
    return not late


def _language(grammar: Grammar) -> Language:
    from importlib import import_module

    from tree_sitter import Language

    return Language(import_module(f"tree_sitter_{grammar}").language())


def walk(top: Node) -> Iterator[Node]:
    """Every named node in the order of the text, without recursion: a hostile tree is as deep as its text is long."""
    cursor = top.walk()
    while True:
        node = cursor.node
        if node is not None and node.is_named:
            yield node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while True:
            if not cursor.goto_parent():
                return
            if cursor.goto_next_sibling():
                break


def text(node: Node) -> str:
    """The text of a node; bytes that are not UTF-8 as surrogates, as in names of files."""
    return (node.text or b"").decode("utf-8", "surrogateescape")


def quote(node: Node) -> str:
    """The first line of a node's text, short and printable."""
    if node.end_byte - node.start_byte > MAX_TEXT:
        return f"{node.end_byte - node.start_byte} bytes of text"
    return shorten(text(node))


def shorten(written: str) -> str:
    """The first line of a text, short and printable."""
    head = written.strip().partition("\n")[0]
    shown = head[:MAX_QUOTE] + ("…" if len(head) > MAX_QUOTE else "")
    return os.fsencode(shown).decode("utf-8", "backslashreplace")


def line(node: Node) -> int:
    """The line, from 1."""
    return node.start_point.row + 1
