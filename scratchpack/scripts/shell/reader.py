"""One shell script: its text goes in, what it runs, names, defines and tests for comes out. Sourced files are the next room's."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scratchpack.record import NamedTuple
from scratchpack.scripts.grammar import MAX_TEXT, line, parse, quote, shorten, text
from scratchpack.scripts.model import Mention, SourceText, Unknown
from scratchpack.scripts.shell.builtins import RESERVED
from scratchpack.scripts.shell.collect import Collected, Context, collect, gives_up
from scratchpack.scripts.shell.words import Constant, Words
from scratchpack.scripts.shell.wrappers import SHELLS, Inner, inner
from scratchpack.scripts.text import ScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

MAX_NESTING = 4  # shell text within shell text: sh -c "trap '…' EXIT"
MAX_HEREDOC = 64 << 10  # bytes of a here-document that is looked through for `…`
MAX_FINDINGS = 20_000  # of one script
_HOW = ("sourced", "run", "named")  # the strongest first
_ASKS = frozenset({"command", "which", "type", "hash", "whence"})
_BACKQUOTED = re.compile(r"(?<!\\)`([^`\\]+)`")
_FILE_TESTS = frozenset({"-x", "-e", "-f", "-r", "-s"})


class SimpleCommand(NamedTuple):
    """A constant word at the place of a command. ``doubt`` is why it may never be run, beside its function never being called."""

    name: str
    line: int
    function: str
    doubt: str = ""


class Asked(NamedTuple):
    """A command whose presence the script tests for; ``required`` where it gives up without it."""

    name: str
    line: int
    function: str
    required: bool


class ShellReading(NamedTuple):
    """What one file says, before its functions are known to be called."""

    calls: tuple[SimpleCommand, ...] = ()
    asked: tuple[Asked, ...] = ()
    mentions: tuple[Mention, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    functions: frozenset[str] = frozenset()
    words: frozenset[tuple[str, str]] = frozenset()  # (function, word): a function's name may be an argument
    search: tuple[str, ...] = ()  # directories that the script puts into PATH
    broken: tuple[int, ...] = ()  # lines that do not parse


def read_shell(source: SourceText) -> ShellReading:
    """Read one script.

    Raises:
        ScriptError: it passes a limit.
    """
    return _Reader(source.path).read(source, Context(), 0, 0)


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._calls: dict[SimpleCommand, None] = {}
        self._asked: dict[Asked, None] = {}
        self._mentions: dict[tuple[str, str], Mention] = {}
        self._unknown: dict[Unknown, None] = {}
        self._functions: set[str] = set()
        self._words: set[tuple[str, str]] = set()
        self._search: dict[str, None] = {}
        self._broken: dict[int, None] = {}
        self._beside = False  # the working directory is the script's own, after cd "$(dirname "$0")"
        self._found = 0

    def read(self, source: SourceText, around: Context, first: int, depth: int) -> ShellReading:
        """Read a text; ``first`` is the line it starts after, ``around`` where it stands in the script."""
        collected = collect(parse(source, "bash").root_node, self._path)
        words = Words(collected.assigned, self._path)
        self._functions |= collected.functions
        self._path_changes(collected)
        for node, context in collected.tests:
            self._test(node, self._within(context, around), words, first)
        for node, context in collected.commands:
            self._found += 1
            if self._found > MAX_FINDINGS:
                raise ScriptError(f"cannot look into {self._path}: it has over {MAX_FINDINGS} commands")
            self._command(node, self._within(context, around), words, first, depth)
        for node, context in collected.backquoted:
            self._backquoted(node, self._within(context, around), first, depth)
        return ShellReading(
            tuple(self._calls), tuple(self._asked), tuple(self._mentions.values()), tuple(self._unknown), frozenset(self._functions),
            frozenset(self._words), tuple(self._search), tuple(self._broken),
        )  # fmt: skip

    @staticmethod
    def _within(context: Context, around: Context) -> Context:
        return context._replace(
            function=context.function or around.function,
            broken=context.broken or around.broken,
            top=context.top and around.top,
        )

    def _command(self, node: Node, context: Context, words: Words, first: int, depth: int) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            return
        arguments = node.children_by_field_name("argument")
        values = [words.value(argument) for argument in arguments]
        at = first + line(node)
        if context.broken:
            self._broken[at] = None
        for value in values:
            if value is not None and not value.base:
                self._words.add((context.function, value.text))
            self._mention(value, "named", at)
        self._start(words.value(name), quote(node), arguments, values, context, at, depth)

    def _start(
        self, value: Constant | None, quoted: str, nodes: Sequence[Node], values: Sequence[Constant | None],
        context: Context, at: int, depth: int,
    ) -> None:  # fmt: skip
        """A command with its arguments, then each command that it starts itself."""
        if value is None:
            self._unknown[Unknown(self._path, at, quoted)] = None
            return
        if value.base:
            self._mention(value, "run", at)
            return
        name = value.text.removeprefix("\\")  # \rm: no alias
        if name in {".", "source"}:
            self._source(values, quoted, at)
            return
        if name == "cd" and context.top and values and values[-1] and values[-1].base == "script":
            self._beside = not values[-1].text.strip("/")
        if name in _ASKS and self._ask(name, values, context, at):
            return
        if name in RESERVED or not name or name.isdigit():  # a digit: the descriptor of a redirection
            return
        if not name.isprintable() or " " in name:
            self._unknown[Unknown(self._path, at, quoted)] = None
            return
        doubt = f"named by the variable {value.via}" if value.via else ""
        if context.broken:
            doubt = "in text that does not parse"
        if "/" in name and not name.startswith("/"):
            self._mention(Constant("/" + name, "script") if self._beside else None, "run", at)
        else:
            self._calls[SimpleCommand(name, at, context.function, doubt)] = None
        short = posixpath.basename(name)
        if short in SHELLS and context.from_stdin and not values:
            self._unknown[Unknown(self._path, at, f"{short} reads its commands from standard input")] = None
        for found in inner(short, values):
            self._inner(short, found, quoted, nodes, values, context, at, depth)

    def _inner(
        self, name: str, found: Inner, quoted: str, nodes: Sequence[Node], values: Sequence[Constant | None],
        context: Context, at: int, depth: int,
    ) -> None:  # fmt: skip
        if found.is_text:
            self._text(name, nodes[found.position], values[found.position], context, at, depth)
            return
        if not found.here:
            self._unknown[Unknown(self._path, at, f"in another root: {quoted}")] = None
            return
        if depth >= MAX_NESTING * 4:
            return
        rest = found.position + 1
        self._start(values[found.position], quoted, nodes[rest:], values[rest:], context, at, depth + 1)

    def _text(self, name: str, node: Node, value: Constant | None, context: Context, at: int, depth: int) -> None:
        """Shell text as an argument: a constant, or a quoted text whose expansions are left as they stand."""
        written = value.text if value is not None and not value.base else None
        if written is None and node.type == "string" and node.end_byte - node.start_byte <= MAX_TEXT:
            written = text(node)[1:-1].replace('\\"', '"').replace("\\$", "$").replace("\\`", "`")
        # What eval is given is first put together by the shell, so only a constant is the text that runs.
        if written is None or depth >= MAX_NESTING or (name == "eval" and value is None):
            self._unknown[Unknown(self._path, at, f"{name} of {quote(node)}")] = None
            return
        data = written.encode("utf-8", "surrogateescape")
        self.read(SourceText(self._path, data), context, at - 1, depth + 1)

    def _backquoted(self, node: Node, context: Context, first: int, depth: int) -> None:
        if depth >= MAX_NESTING or node.end_byte - node.start_byte > MAX_HEREDOC:
            return
        body = text(node)
        for match in _BACKQUOTED.finditer(body):
            at = first + node.start_point.row + body.count("\n", 0, match.start())
            data = match[1].encode("utf-8", "surrogateescape")
            self.read(SourceText(self._path, data), context, at, depth + 1)

    def _source(self, values: Sequence[Constant | None], quoted: str, at: int) -> None:
        value = values[0] if values else None
        if value is None:
            self._unknown[Unknown(self._path, at, quoted, sources=True)] = None
        elif value.base:
            self._mention(value, "sourced", at)
        elif value.text.startswith("/"):
            path = posixpath.normpath(value.text)
            self._mentions[path, "root"] = Mention(path, "root", "sourced", self._path, at)
        elif self._beside:
            self._mention(Constant("/" + value.text, "script"), "sourced", at)
        else:
            what = "relative to the working directory" if "/" in value.text else "looked up in PATH"
            self._unknown[Unknown(self._path, at, f"sources {shorten(value.text)}, {what}", sources=True)] = None

    def _ask(self, name: str, values: Sequence[Constant | None], context: Context, at: int) -> bool:
        """``command -v NAME`` and its siblings; ``False`` where ``command`` only runs NAME."""
        options = [value.text for value in values if value and not value.base and value.text.startswith("-")]
        if name == "command" and not any("v" in option.lower() for option in options):
            return False
        if name == "which":
            self._calls[SimpleCommand("which", at, context.function)] = None
        for value in values:
            if value is not None and not value.base and not value.text.startswith("-"):
                self._asked[Asked(value.text, at, context.function, gives_up(context.if_false))] = None
        return True

    def _test(self, node: Node, context: Context, words: Words, first: int) -> None:
        """``[ -x /bin/foo ]``: what stands there is asked for before it is run."""
        for part in node.named_children:
            operator = part.child_by_field_name("operator") if part.type == "unary_expression" else None
            if operator is None or text(operator) not in _FILE_TESTS:
                continue
            value = words.value(part.named_children[-1])
            self._mention(value, "named", first + line(part))
            if value is not None and not value.base:
                required = gives_up(context.if_false)
                self._asked[Asked(value.text, first + line(part), context.function, required)] = None

    def _path_changes(self, collected: Collected) -> None:
        for node in collected.assigned.get("PATH", ()):
            written = text(node).strip("\"'") if node is not None else ""
            for part in written.split(":"):
                if part.startswith("/") and "$" not in part:
                    self._search[posixpath.normpath(part)] = None

    def _mention(self, value: Constant | None, how: str, at: int) -> None:
        """A word below the script's own directory; the directory itself is no file."""
        if value is None or value.base != "script" or "\0" in value.text or not value.text.startswith("/"):
            return
        path = posixpath.normpath("./" + value.text.lstrip("/"))
        if path not in {".", ".."} and not path.endswith("/.."):
            old = self._mentions.get((path, "script"))
            if old is None or _HOW.index(how) < _HOW.index(old.how):
                self._mentions[path, "script"] = Mention(path, "script", how, self._path, at)
